"""Canaille: an identity server in Flask, by its own command `run`."""

import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import ClientSession

from tools.bench.peers.peer import (
    CHECK,
    EMAIL,
    KEYS,
    LOGIN,
    NAME,
    PASSWORD,
    Peer,
    Site,
    call,
    from_pypi,
)
from tools.bench.process import Command
from tools.bench.wrk import Load

_SECRET = "secret-of-the-application"  # noqa: S105 - of a benchmark
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


class Canaille(Peer):
    """The identity server Canaille."""

    name = "canaille"
    version = "0.3.6"
    runs = (
        "hypercorn, SQLite; a login is its grant `password`; a token cannot be issued "
        "again and again, since its refresh tokens are used once"
    )

    def install(self, home: Path) -> None:
        """Install it from PyPI."""
        from_pypi(
            home,
            f"canaille[front,oidc,server,sqlite]=={self.version}",
            "flask==3.1.3",
            "sqlalchemy==2.1.9",
            "hypercorn==0.18.0",
            "argon2-cffi==25.1.0",
        )

    def begin(self, site: Site) -> None:
        """Make key, tables, user and application."""
        made = self._call(site, "jwk", "create", "rsa", "--size", "2048")
        key = json.loads(made[made.index("{") :])
        inline = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items())
        config = _CONFIG.format(folder=site.folder, key=f"{{{inline}}}")
        (site.folder / "canaille.toml").write_text(config)
        self._call(site, "install")
        user = ["--user-name", NAME, "--family-name", NAME, "--emails", EMAIL]
        self._call(site, "create", "user", *user, "--password", PASSWORD)
        client = ["--client-id", NAME, "--client-secret", _SECRET, "--client-name", NAME]
        client += ["--grant-types", "password", "--grant-types", "refresh_token"]
        client += ["--token-endpoint-auth-method", "client_secret_basic", "--scope", "openid"]
        client += ["--redirect-uris", "https://application.example/back"]
        client += ["--client-uri", "https://application.example"]
        self._call(site, "create", "client", *client)

    def _call(self, site: Site, *words: str) -> str:
        return call([site.home / "bin/canaille", *words], site.folder, self._environ(site))

    def _environ(self, site: Site) -> dict[str, str]:
        config = site.folder / "canaille.toml"
        return {"CANAILLE_CONFIG": str(config)} if config.exists() else {}

    def command(self, site: Site) -> Command:
        """Run it."""
        argv = [str(site.home / "bin/canaille"), "run", "--bind", f"127.0.0.1:{site.port}"]
        argv += ["--workers", str(site.processes), "--loglevel", "WARNING"]
        environ = self._environ(site)
        ready = "/.well-known/openid-configuration"
        return Command(argv=argv, ready=ready, cwd=site.folder, environ=environ)

    async def prepare(self, site: Site) -> Mapping[str, Load]:
        """Get a token for name and password."""
        sent = {"grant_type": "password", "username": NAME, "password": PASSWORD}
        body = urlencode({**sent, "scope": "openid"})
        client = b64encode(f"{NAME}:{_SECRET}".encode()).decode()
        form = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Basic {client}",
        }
        async with (
            ClientSession(site.base) as session,
            session.post("/oauth/token", data=body, headers=form) as answer,
        ):
            answer.raise_for_status()
            token = json.loads(await answer.text())["access_token"]
        return {
            CHECK: Load("/oauth/userinfo", {"Authorization": f"Bearer {token}"}),
            LOGIN: Load("/oauth/token", form, "POST", body),
            KEYS: Load("/oauth/jwks.json"),
        }
