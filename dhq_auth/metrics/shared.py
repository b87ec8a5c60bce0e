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

IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the folder, for us alone


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker keeps its numbers: a folder, and what it is called there."""

    folder: Path
    name: str


_mine: Place | None = None


def take(place: Place) -> None:
    """Keep the numbers of this process at *place*; before the first `Metrics` is made."""
    global _mine  # noqa: PLW0603 - prometheus-client, too, has one such place for a process
    _mine = place
    # Where prometheus-client looks for the folder; nobody else of ours reads it.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(place.folder)


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
