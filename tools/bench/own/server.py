"""dhq-auth as a peer among the others, from the sources of this repository."""

import json
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import ClientSession

from tools.bench.own import accounts
from tools.bench.peers.flows import JSON
from tools.bench.peers.installation import from_pypi, pip
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN, NAME, PASSWORD, Peer
from tools.bench.process import ROOT, Site, running
from tools.bench.wrk import Load

ACCOUNT = {"username": NAME, "password": PASSWORD}
_SENT = json.dumps({"username": "{token}", "password": PASSWORD})
LOGINS = Load("/auth/login", JSON, "POST", _SENT, again=True)
STORM = "storm"
PUBLIC_KEY, API_TOKEN, POLICIES = "public key", "API token", "policies"

PERMISSIONS = {"read": True}
"""What the provider of the service `bench` grants everybody."""

SOURCES = ("dhq_auth", "providers", "extensions", "pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True)
class DhqAuth(Peer):
    """This service; without *database* it has an SQLite file in the folder of its site."""

    database: str = ""

    name = "dhq-auth"
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    runs = "its own server, SQLite; every token is looked up, so that it can be revoked; RS256"
    ready = "/readyz"

    def install(self, home: Path) -> None:
        """Install what it needs, as locked, and the sources that are here now."""
        from_pypi(home, "setuptools>=80")
        pip(home, "--require-hashes", "--requirement", str(ROOT / "requirements.lock"))
        with tempfile.TemporaryDirectory() as folder:  # setuptools builds beside the sources
            for name in SOURCES:
                source = ROOT / name
                copy = shutil.copytree if source.is_dir() else shutil.copy
                copy(source, Path(folder) / name)
            pip(home, "--no-deps", "--no-build-isolation", "--force-reinstall", folder)

    def begin(self, site: Site) -> None:
        """Write the permissions that its provider reads; have the first start make the database."""
        everything = json.dumps({"*": {"*": PERMISSIONS}})
        (site.folder / "permissions.json").write_text(everything)
        with running(self.command(site), site):
            pass

    def environ(self, site: Site) -> dict[str, str]:
        """Return its settings: production's, but for the limits, since one address asks for everybody here."""
        return {
            "PORT": str(site.port),
            "EXTERNAL_ADDRESS": site.base,
            "DATABASE_URL": self.database or f"sqlite:///{site.folder}/dhq-auth.db",
            "WORKERS": str(site.processes),
            "ALLOWED_SERVICES": "bench:static;notes:policies",
            "PROVIDER_BENCH_FILE": str(site.folder / "permissions.json"),
            "PASSWORD_CHECKS": "100000",
            "LOGIN_ATTEMPTS": "1000",
            "PLUGIN_CALLS": "300",
            "LOG_LEVEL": "warning",
        }

    def argv(self, site: Site) -> Sequence[str | Path]:
        """Run the server."""
        return [site.home / "bin/dhq-auth", "serve"]

    async def loads(self, client: ClientSession, site: Site) -> Mapping[str, Load]:
        """Register, log in, make an API token."""
        async with client.post("/auth/register", json=ACCOUNT) as answer:
            await answer.read()  # 409 from the second round on: it is there
        async with client.post("/auth/login", json=ACCOUNT) as answer:
            answer.raise_for_status()
            login = {"Auth-Token": (await answer.json())["token"]}
        async with client.post("/auth/tokens", json=ACCOUNT) as answer:
            answer.raise_for_status()
            made = {"Auth-Token": (await answer.json())["token"]}
        await accounts.add(self.environ(site)["DATABASE_URL"])
        half = accounts.NUMBER // 2
        return {
            CHECK: Load("/auth/check", login),
            ISSUE: Load("/auth/authorize?service=bench", login),
            LOGIN: replace(LOGINS, tokens=accounts.NAMES[:half], again=False),
            STORM: replace(LOGINS, tokens=accounts.NAMES[half:]),
            KEYS: Load("/.well-known/jwks.json"),
            PUBLIC_KEY: Load("/auth/public-key"),
            API_TOKEN: Load("/auth/check", made),
            POLICIES: Load("/auth/authorize?service=notes", login),
        }
