"""better-auth of npm: sessions in a cookie, tokens for services by its plugin `jwt`."""

import json
from collections.abc import Mapping
from pathlib import Path

from aiohttp import ClientSession, CookieJar

from tools.bench.peers.peer import (
    CHECK,
    EMAIL,
    ISSUE,
    KEYS,
    LOGIN,
    NAME,
    PASSWORD,
    Peer,
    Site,
    from_npm,
    into,
)
from tools.bench.process import Command
from tools.bench.wrk import Load


class BetterAuth(Peer):
    """The sessions of better-auth."""

    name = "better-auth"
    version = "1.7.25"
    runs = "Node's cluster, SQLite by better-sqlite3; a session is what is validated, RS256"

    def install(self, home: Path) -> None:
        """Install it from npm."""
        extra = ("better-sqlite3@12.11.1", "@node-rs/argon2@2.2.1")
        from_npm(home, f"better-auth@{self.version}", *extra)

    def command(self, site: Site) -> Command:
        """Run Node."""
        environ = {
            "NODE_ENV": "production",
            "BETTER_AUTH_TELEMETRY": "0",
            "PORT": str(site.port),
            "DATA": str(site.folder),
            "PROCESSES": str(site.processes),
        }
        argv = ["node", str(into(site.home, "better_auth.mjs"))]
        return Command(argv=argv, ready="/api/auth/ok", cwd=site.folder, environ=environ)

    async def prepare(self, site: Site) -> Mapping[str, Load]:
        """Register and log in."""
        account = {"email": EMAIL, "password": PASSWORD}
        origin = {"Origin": site.base}
        jar = CookieJar(unsafe=True)
        async with ClientSession(site.base, headers=origin, cookie_jar=jar) as client:
            url = "/api/auth/sign-up/email"
            async with client.post(url, json={**account, "name": NAME}) as answer:
                await answer.read()  # 422 from the second round on: it is there
            async with client.post("/api/auth/sign-in/email", json=account) as answer:
                answer.raise_for_status()
                cookies = answer.cookies
            # The first token makes the key: many at once would make many.
            async with client.get("/api/auth/token") as answer:
                answer.raise_for_status()
        cookie = {"Cookie": "; ".join(f"{name}={each.value}" for name, each in cookies.items())}
        sent = {**origin, "Content-Type": "application/json"}
        return {
            CHECK: Load("/api/auth/get-session", cookie),
            ISSUE: Load("/api/auth/token", cookie),
            LOGIN: Load("/api/auth/sign-in/email", sent, "POST", json.dumps(account)),
            KEYS: Load("/api/auth/jwks"),
        }
