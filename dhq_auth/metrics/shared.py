"""Numbers of several workers of one machine: each keeps its own in files that any of them can read.

The supervisor makes a private folder, in memory where the system has such, and removes it at its
end. The files are called after the worker's place, not after its process: who takes the place of a
worker that has died goes on where that one stopped, so that nothing is lost and the files do not
become more. What was so of the dead one at that moment is forgotten.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOM: Final = {
    "counter": 2**18,
    "histogram": 2**20,
    "gauge_livesum": 2**16,
    "gauge_livemax": 2**16,
    "gauge_livemin": 2**16,
}
"""Bytes that a worker's files get at once, by the kind of number: more than they need."""
IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the folder, for us alone


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker keeps its numbers: a folder, and what it is called there."""

    folder: Path
    name: str


_mine: Place | None = None


def take(place: Place) -> bool:
    """Keep the numbers of this process at *place*; before the first `Metrics` is made.

    Returns False, and keeps them for this process alone, where there is no room for them.
    """
    global _mine  # noqa: PLW0603 - prometheus-client, too, has one such place for a process
    try:
        for kind, size in ROOM.items():
            _reserve(place.folder / f"{kind}_{place.name}.db", size)
    except OSError:
        return False
    _mine = place
    # Where prometheus-client looks for the folder; nobody else of ours reads it.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(place.folder)
    return True


def _reserve(file: Path, size: int) -> None:
    """Let *file* have *size* bytes on the disk; raises OSError where there are none.

    A mapped file grows into what is not there yet, and on a full disk that ends the process by a
    signal (SIGBUS).
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        file.unlink()  # an empty one is none that can be read
        raise
    finally:
        os.close(descriptor)


def mine() -> Place | None:
    """Return where this process keeps its numbers, None if it is the only one."""
    return _mine


def new_folder() -> Path | None:
    """Return a new folder that nobody else can look into, or None where none can be made."""
    for parent in (IN_MEMORY, None):
        with suppress(OSError):
            return Path(tempfile.mkdtemp(prefix="dhq-auth-metrics-", dir=parent))
    return None


def forget(folder: Path, name: str) -> None:
    """Forget what was so of the worker at the place *name*, which has ended."""
    for file in folder.glob(f"gauge_live*_{name}.db"):
        file.unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove *folder* and all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
