"""REL-12: a disk that is full."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.faults.stage import Stage

SIZE = 3 * 1024**2
"""Bytes of the disk."""
FULL = 2.0
"""Seconds for which it stays full."""


async def test_rel_12_a_full_disk_stops_what_writes_and_nothing_else(
    stage: Callable[..., Stage], tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # A small file system of its own, in a name space that the process alone lives in.
    script = f'mount -t tmpfs -o size={SIZE} disk "$0" && exec "$@"'
    within = (shutil.which("unshare") or "unshare", "-rm", "sh", "-c", script, str(disk))
    on = stage(1, within, DATABASE_URL=f"sqlite:///{disk}/auth.db", DATABASE_TIMEOUT="2")
    await on.start()
    (replica,) = on.replicas
    inside = Path(f"/proc/{replica.pid}/root{disk}")
    await on.populate(["ada", "bob"])
    (ada, _) = on.people
    async with on.traffic():
        await asyncio.sleep(0.3)
        ballast = inside / "ballast"
        fill(ballast)
        await asyncio.sleep(FULL)
        refused = on.ledger.refused
        for _ in range(5):
            await ada.check()
            await ada.check_session()
            await ada.check_a_live_token()
        ballast.unlink()
        await on.healed(time.monotonic())
    assert refused, "nothing was written while the disk was full"
    said = replica.log.decode().count("database or disk is full")
    assert said == 1, f"the log said so {said} times in less than a minute"
    await on.judge()
    copy = tmp_path / "copy"
    shutil.copytree(inside, copy)
    with closing(sqlite3.connect(copy / "auth.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def fill(ballast: Path) -> None:
    """Leave no byte on the disk of *ballast*."""
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                os.fsync(file.fileno())
