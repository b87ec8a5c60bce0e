"""What the benchmark knows of a server, and how packages get into its cache folder."""

import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from tools.bench.process import Command, NotRun
from tools.bench.wrk import Load

ROOT: Final = Path(__file__).parents[3]
APPS: Final = Path(__file__).parent / "apps"
CHECK, ISSUE, LOGIN, KEYS = "check", "authorize", "login", "keys"
NAME: Final = "bench"
EMAIL: Final = "bench@example.com"
PASSWORD: Final = "seven purple rivers sing"  # noqa: S105 - of an account that lives for minutes
PATIENCE: Final = 900
"""Seconds for an installation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a server runs: *home* is its installation, *folder* holds the data of this run."""

    home: Path
    folder: Path
    port: int
    processes: int = 1

    @property
    def base(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"


class Peer(ABC):
    """A server that is measured."""

    name: ClassVar[str]
    version: ClassVar[str]
    runs: ClassVar[str]
    """How it is run, and what is to be known of its figures; a line of the report."""
    equal_hash: ClassVar[bool] = True
    """Whether its passwords are hashed as ours are: else its logins are not compared."""

    @abstractmethod
    def install(self, home: Path) -> None:
        """Put exactly *version* into *home*; raises NotRun where that cannot be done."""

    def begin(self, site: Site) -> None:  # noqa: B027 - most have nothing to do
        """Make what is there before the first start: schema, keys, users."""

    @abstractmethod
    def command(self, site: Site) -> Command:
        """Return how to start it."""

    @abstractmethod
    async def prepare(self, site: Site) -> Mapping[str, Load]:
        """Get a token from the running server by its ordinary flow; return its loads."""

    def parts(self, home: Path) -> Sequence[Path]:
        """Return what of *home* is its installation."""
        return [home]


def once(home: Path, what: str) -> bool:
    """Whether *what* is still to be put into *home*, which then is empty."""
    stamp = home / ".installed"
    if stamp.exists() and stamp.read_text() == what:
        return False
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return True


def call(argv: Sequence[str | Path], cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run *argv*; return what it prints. Raises NotRun with its last words if it fails."""
    try:
        finished = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotRun(f"{Path(argv[0]).name}: {error}") from error
    if finished.returncode:
        said = (finished.stderr or finished.stdout).strip().splitlines() or ["nothing"]
        raise NotRun(f"{Path(argv[0]).name} failed: {said[-1][:200]}")
    return finished.stdout


def from_pypi(home: Path, *requirements: str) -> None:
    """Make *home* a virtual environment of these requirements, without pip in it."""
    if not once(home, "\n".join(requirements)):
        return
    call([sys.executable, "-m", "venv", "--without-pip", home], home)
    pip(home, *requirements)
    (home / ".installed").write_text("\n".join(requirements))


def pip(home: Path, *words: str) -> None:
    """Install what *words* say into the virtual environment *home*."""
    python = str(home / "bin/python")
    called = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    call([*called, "--disable-pip-version-check", *words], home)


def from_npm(home: Path, *packages: str) -> None:
    """Put these packages and what they need into `node_modules` of *home*."""
    if not once(home, "\n".join(packages)):
        return
    (home / "package.json").write_text('{"private": true, "type": "module"}')
    npm = ["npm", "install", "--no-audit", "--no-fund", "--omit=dev"]
    call([*npm, *packages], home)
    (home / ".installed").write_text("\n".join(packages))


def into(home: Path, app: str) -> Path:
    """Copy *app* beside `node_modules`, where its imports are found; return where it is."""
    return Path(shutil.copy(APPS / app, home / app))
