"""fastapi-users, as its documentation sets it up: SQLAlchemy, JWT, uvicorn."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode

from aiohttp import ClientSession

from tools.bench.peers.flows import FORM, bearer
from tools.bench.peers.peer import ARGON2, CHECK, EMAIL, ISSUE, KEYS, LOGIN, PASSWORD, PythonPeer
from tools.bench.process import Site
from tools.bench.wrk import Load


class FastapiUsers(PythonPeer):
    """FastAPI's users."""

    name = "fastapi-users"
    version = "15.0.5"
    runs = "uvicorn with uvloop and httptools, SQLite by aiosqlite; its tokens are HS256"
    packages = (
        f"fastapi-users[sqlalchemy]=={version}",
        "fastapi==0.165.0",
        "uvicorn==0.54.0",
        "uvloop==0.23.0",
        "httptools==0.9.0",
        "aiosqlite==0.22.1",
        ARGON2,
    )
    lacks: ClassVar[Mapping[str, str]] = {KEYS: "its tokens are HS256: nobody else has the key"}

    def argv(self, site: Site) -> Sequence[str | Path]:
        """Run uvicorn."""
        argv = [str(site.home / "bin/python"), "-m", "uvicorn", "fastapi_users_app:app"]
        argv += ["--host", "127.0.0.1", "--port", str(site.port), "--no-access-log"]
        return [*argv, "--workers", str(site.processes), "--loop", "uvloop", "--http", "httptools"]

    async def loads(
        self,
        client: ClientSession,
        site: Site,  # noqa: ARG002 - it needs no more
    ) -> Mapping[str, Load]:
        """Register and log in."""
        async with client.post(
            "/auth/register", json={"email": EMAIL, "password": PASSWORD}
        ) as answer:
            await answer.read()  # 400 from the second round on: it is there
        sent = urlencode({"username": EMAIL, "password": PASSWORD})
        async with client.post("/auth/jwt/login", data=sent, headers=FORM) as answer:
            answer.raise_for_status()
            presented = bearer(json.loads(await answer.text())["access_token"])
        return {
            CHECK: Load("/users/me", presented),
            ISSUE: Load("/auth/jwt/refresh", presented, "POST"),
            LOGIN: Load("/auth/jwt/login", FORM, "POST", sent),
        }
