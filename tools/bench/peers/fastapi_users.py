"""fastapi-users, as its documentation sets it up: SQLAlchemy, JWT, uvicorn."""

import json
from collections.abc import Mapping
from pathlib import Path

from aiohttp import ClientSession

from tools.bench.peers.peer import (
    APPS,
    CHECK,
    EMAIL,
    ISSUE,
    LOGIN,
    PASSWORD,
    Peer,
    Site,
    from_pypi,
)
from tools.bench.process import Command
from tools.bench.wrk import Load

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_SENT = f"username={EMAIL.replace('@', '%40')}&password={PASSWORD.replace(' ', '+')}"


class FastapiUsers(Peer):
    """FastAPI's users."""

    name = "fastapi-users"
    version = "15.0.5"
    runs = "uvicorn with uvloop and httptools, SQLite by aiosqlite; its tokens are HS256"

    def install(self, home: Path) -> None:
        """Install it from PyPI."""
        from_pypi(
            home,
            f"fastapi-users[sqlalchemy]=={self.version}",
            "fastapi==0.165.0",
            "uvicorn==0.54.0",
            "uvloop==0.23.0",
            "httptools==0.9.0",
            "aiosqlite==0.22.1",
            "argon2-cffi==25.1.0",
        )

    def command(self, site: Site) -> Command:
        """Run uvicorn."""
        argv = [str(site.home / "bin/python"), "-m", "uvicorn", "fastapi_users_app:app"]
        argv += ["--host", "127.0.0.1", "--port", str(site.port), "--no-access-log"]
        argv += ["--workers", str(site.processes), "--loop", "uvloop", "--http", "httptools"]
        environ = {"DATABASE": str(site.folder / "users.db"), "PYTHONPATH": str(APPS)}
        return Command(argv=argv, ready="/healthz", cwd=site.folder, environ=environ)

    async def prepare(self, site: Site) -> Mapping[str, Load]:
        """Register and log in."""
        account = {"email": EMAIL, "password": PASSWORD}
        async with ClientSession(site.base) as client:
            async with client.post("/auth/register", json=account) as answer:
                await answer.read()  # 400 from the second round on: it is there
            async with client.post("/auth/jwt/login", data=_SENT, headers=_FORM) as answer:
                answer.raise_for_status()
                token = json.loads(await answer.text())["access_token"]
        presented = {"Authorization": f"Bearer {token}"}
        return {
            CHECK: Load("/users/me", presented),
            ISSUE: Load("/auth/jwt/refresh", presented, "POST"),
            LOGIN: Load("/auth/jwt/login", _FORM, "POST", _SENT),
        }
