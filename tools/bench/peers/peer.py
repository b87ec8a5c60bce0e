"""What every peer does; a file beside this one says what is particular to one of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from aiohttp import ClientSession, CookieJar

from tools.bench.peers.installation import call, files, from_npm, from_pypi, into
from tools.bench.process import Command, Site
from tools.bench.wrk import Load

APPS: Final = Path(__file__).parent / "apps"
CHECK, ISSUE, LOGIN, KEYS = "check", "authorize", "login", "keys"
NAME: Final = "bench"
EMAIL: Final = "bench@example.com"
PASSWORD: Final = "seven purple rivers sing"  # noqa: S105 - of an account that lives for minutes
ARGON2: Final = "argon2-cffi==25.1.0"
GUNICORN: Final = "gunicorn==27.0.1"
SQLITE: Final = "better-sqlite3@12.11.1"


class Peer(ABC):
    """A server that is measured."""

    name: ClassVar[str]
    version: ClassVar[str]
    runs: ClassVar[str]
    """How it is run, and what is to be known of its figures; a line of the report."""
    ready: ClassVar[str] = "/healthz"
    """The path that answers 200 when it serves."""
    lacks: ClassVar[Mapping[str, str]] = {}
    """The loads that it is not put under, and why."""

    @abstractmethod
    def install(self, home: Path) -> None:
        """Put exactly *version* into *home*; raises NotRun where that cannot be done."""

    def begin(self, site: Site) -> None:  # noqa: B027 - some have nothing to do
        """Make what is there before the first start: schema, keys, users."""

    @abstractmethod
    def argv(self, site: Site) -> Sequence[str | Path]:
        """Return the words that start it."""

    def environ(self, site: Site) -> Mapping[str, str]:  # noqa: ARG002 - most need it
        """Return what it finds in its environment beside what is there already."""
        return {}

    def command(self, site: Site) -> Command:
        """Return how to start it."""
        return Command(argv=self.argv(site), ready=self.ready, environ=self.environ(site))

    async def prepare(self, site: Site) -> Mapping[str, Load]:
        """Get a token from the running server by its ordinary flow; return its loads."""
        jar = CookieJar(unsafe=True)  # which keeps those of addresses, too
        async with ClientSession(site.base, cookie_jar=jar) as client:
            return await self.loads(client, site)

    @abstractmethod
    async def loads(self, client: ClientSession, site: Site) -> Mapping[str, Load]:
        """Log in as *client* does, which keeps cookies; return what is asked of it."""

    def files(self, home: Path) -> Iterable[Path]:
        """Return the files of its installation."""
        return files(home)


class PythonPeer(Peer):
    """A peer of PyPI, in a virtual environment of its own; its application is one of `apps`."""

    packages: ClassVar[Sequence[str]]

    def install(self, home: Path) -> None:
        """Install its packages."""
        from_pypi(home, *self.packages)

    def environ(self, site: Site) -> Mapping[str, str]:
        """Let it find its application and its data."""
        return {"PYTHONPATH": str(APPS), "DATA": str(site.folder)}

    def run(self, site: Site, *words: str | Path, **environ: str) -> str:
        """Run its Python, before it is started; return what that prints."""
        return call(
            [site.home / "bin/python", *words], site.folder, {**self.environ(site), **environ}
        )

    def gunicorn(self, site: Site, app: str) -> Sequence[str | Path]:
        """Return how gunicorn serves *app*."""
        argv = [str(site.home / "bin/python"), "-m", "gunicorn", app]
        argv += ["--bind", f"127.0.0.1:{site.port}"]
        argv += ["--workers", str(site.processes), "--worker-class", "gthread", "--threads", "4"]
        return [*argv, "--log-level", "error"]


class NodePeer(Peer):
    """A peer of npm; *app* is one of `apps`, and forks where there are to be several processes."""

    packages: ClassVar[Sequence[str]]
    app: ClassVar[str]

    def install(self, home: Path) -> None:
        """Install its packages."""
        from_npm(home, *self.packages)

    def argv(self, site: Site) -> Sequence[str | Path]:
        """Run Node, with the application beside the packages that it imports."""
        return ["node", into(site.home, APPS / self.app)]

    def environ(self, site: Site) -> Mapping[str, str]:
        """Tell the application where it is and what it has."""
        return {
            "NODE_ENV": "production",
            "PORT": str(site.port),
            "DATA": str(site.folder),
            "PROCESSES": str(site.processes),
        }


def make_key(site: Site) -> Path:
    """Make an RSA key for a server that brings none; return where it is."""
    path = site.folder / "key.pem"
    path.write_text(call(["openssl", "genrsa", "2048"], site.folder))
    return path
