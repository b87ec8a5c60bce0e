"""The file system in memory: what tests write there waits for no disk."""

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by mkdtemp, or by pytest as safely
ROOM = 1 << 30


def in_memory() -> Path | None:
    """Return a folder in memory, if there is one with room."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if roomy and os.access(MEMORY, os.W_OK) else None
