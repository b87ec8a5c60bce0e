"""How packages get into the cache folder: once, exactly as they are named."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.bench.process import NotRun

PATIENCE: Final = 900
"""Seconds for an installation."""
_BUILD: Final = (
    "/site-packages/setuptools",
    "/site-packages/_distutils_hack",
    "/better-sqlite3/deps/",
    "/better-sqlite3/src/",
    "/build/Release/obj",
    "/build/Release/sqlite3.a",
    "/build/Release/test_extension.node",
)
"""What an installation leaves behind that only built it."""


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
    if not _missing(home, requirements):
        return
    call([sys.executable, "-m", "venv", "--without-pip", home], home)
    pip(home, *requirements)
    _stamp(home, requirements)


def pip(home: Path, *words: str) -> None:
    """Install what *words* say into the virtual environment *home*."""
    called = [sys.executable, "-m", "pip", "--python", str(home / "bin/python"), "install"]
    call([*called, "--quiet", "--disable-pip-version-check", *words], home)


def from_npm(home: Path, *packages: str) -> None:
    """Put these packages and what they need into `node_modules` of *home*."""
    if not _missing(home, packages):
        return
    (home / "package.json").write_text('{"private": true, "type": "module"}')
    call(["npm", "install", "--no-audit", "--no-fund", "--omit=dev", *packages], home)
    _stamp(home, packages)


def files(home: Path) -> Iterator[Path]:
    """Return the files in *home* that are needed to run what is there, without the tools to build it."""
    for path in home.rglob("*"):
        if path.is_file() and not any(part in path.as_posix() for part in _BUILD):
            yield path


def into(home: Path, app: Path) -> Path:
    """Copy *app* beside `node_modules`, where its imports are found; return where it is."""
    return Path(shutil.copy(app, home / app.name))


def _missing(home: Path, packages: Sequence[str]) -> bool:
    """Whether *packages* are still to be put into *home*, which then is empty."""
    stamp = home / ".installed"
    if stamp.exists() and stamp.read_text() == "\n".join(packages):
        return False
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return True


def _stamp(home: Path, packages: Sequence[str]) -> None:
    (home / ".installed").write_text("\n".join(packages))
