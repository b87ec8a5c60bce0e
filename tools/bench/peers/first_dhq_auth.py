"""dhq-auth 0.1.6, which this service goes on from: on the versions of its time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from aiohttp import ClientSession

from tools.bench.peers.installation import call
from tools.bench.peers.peer import (
    APPS,
    CHECK,
    GUNICORN,
    ISSUE,
    KEYS,
    LOGIN,
    PythonPeer,
    make_key,
)
from tools.bench.process import Site
from tools.bench.wrk import Load


class FirstDhqAuth(PythonPeer):
    """The service as it was, on the newest versions that it runs with."""

    name = "dhq-auth 0.1.6"
    version = "0.1.6"
    runs = "Flask 1.1 under gunicorn (4 threads), SQLite; its login tokens are HS256, never revoked"
    ready = "/auth/public-key"
    packages = (
        f"dhq-auth=={version}",
        "Flask==1.1.4",
        "Werkzeug==1.0.1",
        "Jinja2==2.11.3",
        "MarkupSafe==2.0.1",
        "itsdangerous==1.1.0",
        "click==7.1.2",
        "SQLAlchemy==1.3.24",
        "PyJWT==1.7.1",
        "Flask-Session==0.3.2",
        "Flask-Cors==3.0.10",
        GUNICORN,
    )
    lacks: ClassVar[Mapping[str, str]] = {
        LOGIN: "it knows no passwords: people come from Google and GitHub alone"
    }

    def begin(self, site: Site) -> None:
        """Make its key, and the user whom Google has just named."""
        public = call(["openssl", "rsa", "-in", make_key(site), "-pubout"], site.folder)
        (site.folder / "public.pem").write_text(public)
        said = self.run(site, APPS / "first_dhq_auth.py")
        (site.folder / "token").write_text(said.split()[-1])

    def environ(self, site: Site) -> Mapping[str, str]:
        """Return its settings."""
        return {
            **super().environ(site),
            "PRIVATE_KEY": (site.folder / "key.pem").read_text(),
            "PUBLIC_KEY": (site.folder / "public.pem").read_text(),
            "DATABASE_URL": f"sqlite:///{site.folder}/first.db",
            "EXTERNAL_ADDRESS": site.base,
            "GOOGLE_KEY": "key",
            "GOOGLE_SECRET": "secret",
            "ALLOWED_SERVICES": "bench:sample_permission_provider",
            "PYTHONWARNINGS": "ignore",
        }

    def argv(self, site: Site) -> Sequence[str | Path]:
        """Run gunicorn."""
        return self.gunicorn(site, "first_dhq_auth:app")

    async def loads(
        self,
        client: ClientSession,  # noqa: ARG002 - its login is over
        site: Site,
    ) -> Mapping[str, Load]:
        """Take the token with which its login has ended: it knows Google and GitHub alone."""
        token = {"Auth-Token": (site.folder / "token").read_text()}
        return {
            CHECK: Load("/auth/check", token),
            ISSUE: Load("/auth/authorize?service=bench", token),
            KEYS: Load("/auth/public-key"),
        }
