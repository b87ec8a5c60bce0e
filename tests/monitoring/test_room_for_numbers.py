"""Numbers of several workers lie in files that are mapped: a full disk must not end who counts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

WORKER = """
import json, resource, sys
from pathlib import Path
from dhq_auth.metrics import Metrics, shared
folder, room = Path(sys.argv[1]), int(sys.argv[2])
if room:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
taken = shared.take(shared.Place(folder, "0"))
reserved = {file.name: file.stat().st_blocks * 512 for file in folder.iterdir()}
metrics = Metrics()
counter = metrics.counter("things_total", "Things.", which=None)
spread = metrics.histogram("times_seconds", "Times.", which=None)
for number in range(100):
    counter.inc(str(number))
    spread.observe(1, str(number))
grown = {file.name: file.stat().st_blocks * 512 for file in folder.iterdir()}
shown = metrics.exposition().decode().count("dhq_auth_things_total{")
print(json.dumps({"taken": taken, "reserved": reserved, "grown": grown, "shown": shown}))
"""


def worker(folder: Path, room: int = 0) -> Any:
    """Count in a process of its own, whose files may have *room* bytes; return what it tells."""
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", WORKER, folder, str(room)], capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_what_a_worker_counts_has_its_room_from_the_beginning(tmp_path: Path) -> None:
    """What a mapped file grows by on a full disk is no error, but a signal."""
    told = worker(tmp_path)
    assert (told["taken"], told["shown"]) == (True, 100)
    assert told["grown"] == told["reserved"]
    assert min(told["reserved"].values()) >= 2**16


def test_without_room_a_worker_counts_for_itself_and_leaves_no_empty_file(tmp_path: Path) -> None:
    told = worker(tmp_path, room=1000)
    assert (told["taken"], told["shown"], told["grown"]) == (False, 100, {})
