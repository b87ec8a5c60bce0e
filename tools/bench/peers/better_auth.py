"""better-auth of npm: sessions in a cookie, tokens for services by its plugin `jwt`."""

import json
from collections.abc import Mapping

from aiohttp import ClientSession

from tools.bench.peers.flows import JSON, cookie
from tools.bench.peers.peer import (
    CHECK,
    EMAIL,
    ISSUE,
    KEYS,
    LOGIN,
    NAME,
    PASSWORD,
    SQLITE,
    NodePeer,
)
from tools.bench.process import Site
from tools.bench.wrk import Load


class BetterAuth(NodePeer):
    """The sessions of better-auth."""

    name = "better-auth"
    version = "1.7.25"
    runs = (
        "Node's cluster, SQLite by better-sqlite3; a session is what is validated, RS256; passwords by "
        "an Argon2 in Rust, faster than the reference in C that Python has, in four threads"
    )
    ready = "/api/auth/ok"
    packages = (f"better-auth@{version}", SQLITE, "@node-rs/argon2@2.2.1")
    app = "better_auth.mjs"

    def environ(self, site: Site) -> Mapping[str, str]:
        """Let it tell nobody that it runs."""
        return {**super().environ(site), "BETTER_AUTH_TELEMETRY": "0"}

    async def loads(self, client: ClientSession, site: Site) -> Mapping[str, Load]:
        """Register and log in."""
        account = {"email": EMAIL, "password": PASSWORD}
        origin = {"Origin": site.base}
        url, made = "/api/auth/sign-up/email", {**account, "name": NAME}
        async with client.post(url, json=made, headers=origin) as answer:
            await answer.read()  # 422 from the second round on: it is there
        url = "/api/auth/sign-in/email"
        async with client.post(url, json=account, headers=origin) as answer:
            answer.raise_for_status()
            session = cookie(answer.cookies)
        # The first token makes the key: many at once would make many.
        async with client.get("/api/auth/token") as answer:
            answer.raise_for_status()
        return {
            CHECK: Load("/api/auth/get-session", session),
            ISSUE: Load("/api/auth/token", session),
            LOGIN: Load(url, {**origin, **JSON}, "POST", json.dumps(account)),
            KEYS: Load("/api/auth/jwks"),
        }
