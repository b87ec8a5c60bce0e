"""Canaille: an identity server in Flask, by its own command `run`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlencode

from aiohttp import ClientSession

from tools.bench.peers.flows import APPLICATION, BACK, SECRET, bearer
from tools.bench.peers.peer import (
    APPS,
    ARGON2,
    CHECK,
    ISSUE,
    KEYS,
    LOGIN,
    NAME,
    PASSWORD,
    PythonPeer,
)
from tools.bench.process import Site
from tools.bench.wrk import Load

NAMES: Final = tuple(f"bench{number}" for number in range(24))
"""In turn, since it makes the same token for one user twice in a second, and refuses the second."""
_CONFIG = """\
SECRET_KEY = "a secret of this server that is longer than it has to be"
[CANAILLE]
DATABASE = "sql"
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///{folder}/canaille.db"
PASSWORD_SCHEMES = "argon2"
[CANAILLE_SQL.PASSWORD_HASH_PARAMS]
argon2__type = "ID"
argon2__time_cost = 3
argon2__memory_cost = 65536
argon2__parallelism = 1
[CANAILLE_OIDC]
ACTIVE_JWKS = [{key}]
[CANAILLE.LOGGING]
version = 1
[CANAILLE.LOGGING.root]
level = "WARNING"
"""


class Canaille(PythonPeer):
    """The identity server Canaille."""

    name = "canaille"
    version = "0.3.6"
    runs = f"hypercorn, SQLite; a login is its grant `password`, by {len(NAMES)} users in turn"
    ready = "/.well-known/openid-configuration"
    packages = (
        f"canaille[front,oidc,server,sqlite]=={version}",
        "flask==3.1.3",
        "sqlalchemy==2.1.9",
        "hypercorn==0.18.0",
        ARGON2,
    )
    lacks: ClassVar[Mapping[str, str]] = {
        ISSUE: "two tokens of one user in the same second are equal, and it fails at the second"
    }

    def begin(self, site: Site) -> None:
        """Make key, tables, users and application."""
        made = self._canaille(site, "jwk", "create", "rsa", "--size", "2048")
        key = json.loads(made[made.index("{") :])
        inline = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items())
        config = _CONFIG.format(folder=site.folder, key=f"{{{inline}}}")
        (site.folder / "canaille.toml").write_text(config)
        self._canaille(site, "install")
        self.run(site, APPS / "canaille_users.py", *NAMES, PASSWORD)
        client = ["--client-id", NAME, "--client-secret", SECRET, "--client-name", NAME]
        client += ["--grant-types", "password", "--scope", "openid", "--redirect-uris", BACK]
        client += ["--token-endpoint-auth-method", "client_secret_basic"]
        client += ["--client-uri", "https://application.example"]
        self._canaille(site, "create", "client", *client)

    def _canaille(self, site: Site, *words: str) -> str:
        return self.run(site, site.home / "bin/canaille", *words)

    def environ(self, site: Site) -> Mapping[str, str]:
        """Name its configuration, once there is one."""
        config = site.folder / "canaille.toml"
        there = {"CANAILLE_CONFIG": str(config)} if config.exists() else {}
        return {**super().environ(site), **there}

    def argv(self, site: Site) -> Sequence[str | Path]:
        """Run it."""
        argv = [str(site.home / "bin/canaille"), "run", "--bind", f"127.0.0.1:{site.port}"]
        return [*argv, "--workers", str(site.processes), "--loglevel", "WARNING"]

    async def loads(
        self,
        client: ClientSession,
        site: Site,  # noqa: ARG002 - it needs no more
    ) -> Mapping[str, Load]:
        """Get a token for name and password."""
        sent = {"grant_type": "password", "scope": "openid", "password": PASSWORD}
        body = urlencode(sent) + "&username={token}"
        first = body.replace("{token}", NAMES[0])
        async with client.post("/oauth/token", data=first, headers=APPLICATION) as answer:
            answer.raise_for_status()
            token = json.loads(await answer.text())["access_token"]
        return {
            CHECK: Load("/oauth/userinfo", bearer(token)),
            LOGIN: Load("/oauth/token", APPLICATION, "POST", body, NAMES, again=True),
            KEYS: Load("/oauth/jwks.json"),
        }
