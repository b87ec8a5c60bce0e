"""dhq-auth 0.1.6, which this service goes on from: on the versions of its time."""

from collections.abc import Mapping
from pathlib import Path

from tools.bench.peers.peer import APPS, CHECK, ISSUE, KEYS, Peer, Site, call, from_pypi
from tools.bench.process import Command
from tools.bench.wrk import Load


class FirstDhqAuth(Peer):
    """The service as it was."""

    name = "dhq-auth 0.1.6"
    version = "0.1.6"
    runs = "Flask 1.1 under gunicorn (4 threads), SQLite; its login tokens are HS256, never revoked"

    def install(self, home: Path) -> None:
        """Install it from PyPI, with the newest versions that it runs with."""
        from_pypi(
            home,
            f"dhq-auth=={self.version}",
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
            "gunicorn==27.0.1",
        )

    def begin(self, site: Site) -> None:
        """Make its key, and the user whom Google has just named."""
        key = site.folder / "key.pem"
        key.write_text(call(["openssl", "genrsa", "2048"], site.folder))
        public = call(["openssl", "rsa", "-in", key, "-pubout"], site.folder)
        (site.folder / "public.pem").write_text(public)
        python = site.home / "bin/python"
        said = call([python, APPS / "first_dhq_auth.py"], site.folder, self._environ(site))
        (site.folder / "token").write_text(said.split()[-1])

    def _environ(self, site: Site) -> dict[str, str]:
        return {
            "PRIVATE_KEY": (site.folder / "key.pem").read_text(),
            "PUBLIC_KEY": (site.folder / "public.pem").read_text(),
            "DATABASE_URL": f"sqlite:///{site.folder}/first.db",
            "EXTERNAL_ADDRESS": site.base,
            "GOOGLE_KEY": "key",
            "GOOGLE_SECRET": "secret",
            "ALLOWED_SERVICES": "bench:sample_permission_provider",
            "PYTHONPATH": str(APPS),
            "PYTHONWARNINGS": "ignore",
        }

    def command(self, site: Site) -> Command:
        """Run gunicorn."""
        argv = [str(site.home / "bin/python"), "-m", "gunicorn", "first_dhq_auth:app"]
        argv += ["--bind", f"127.0.0.1:{site.port}", "--workers", str(site.processes)]
        argv += ["--worker-class", "gthread", "--threads", "4", "--log-level", "error"]
        environ = self._environ(site)
        return Command(argv=argv, ready="/auth/public-key", cwd=site.folder, environ=environ)

    async def prepare(self, site: Site) -> Mapping[str, Load]:
        """Take the token with which its login has ended: it knows Google and GitHub alone."""
        token = {"Auth-Token": (site.folder / "token").read_text()}
        return {
            CHECK: Load("/auth/check", token),
            ISSUE: Load("/auth/authorize?service=bench", token),
            KEYS: Load("/auth/public-key"),
        }
