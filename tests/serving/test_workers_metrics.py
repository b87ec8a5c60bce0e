"""Several workers answer as one when Prometheus asks."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.fixtures.process import Serve, ServedProcess
from tests.monitoring.exposed import Exposed, scrape
from tests.monitoring.test_metrics import SQLITE

pytestmark = [SQLITE, pytest.mark.slow, pytest.mark.asyncio(loop_factories=["asyncio"])]

CHECKS = "dhq_auth_http_requests_total"
WORKERS = 2


def children(pid: int) -> list[int]:
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def folder_of(worker: int) -> Path:
    """Return the folder of which the command line of *worker* speaks."""
    return Path(Path(f"/proc/{worker}/cmdline").read_bytes().split(b"\0")[5].decode())


async def begun(pid: int, *, without: int = 0) -> list[int]:
    """Return the workers, once there are as many as there are to be."""
    async with asyncio.timeout(20):
        while True:
            if len(found := [child for child in children(pid) if child != without]) == WORKERS:
                return found
            await asyncio.sleep(0.05)


async def until(served: ServedProcess, name: str, value: float, **labels: str) -> Exposed:
    """Scrape until *name* is *value*: what is watched is told once a second."""
    async with asyncio.timeout(20):
        while True:
            seen = await scrape(served.program)
            if seen.value(name, **labels) == value:
                return seen
            await asyncio.sleep(0.05)


async def test_the_workers_of_a_machine_answer_as_one_and_leave_nothing(serve: Serve) -> None:
    served = serve(WORKERS=str(WORKERS), LOG_FORMAT="text")
    await served.start()
    assert served._process is not None
    (victim, *_others) = workers = await begun(served._process.pid)
    folder = folder_of(victim)
    assert folder.name.startswith("dhq-auth-metrics-")
    assert folder.stat().st_mode & 0o777 == 0o700

    pools = "dhq_auth_database_connections_max"
    await until(served, pools, 5 * WORKERS, pool="read")
    for _ in range(30):  # each by a connection of its own, so by whichever worker
        assert (await served.program.get("/auth/check")).status == 200
    seen = await until(served, CHECKS, 30, route="/auth/check")
    assert seen.value("dhq_auth_build_info") == 1
    assert seen.value("process_resident_memory_bytes") > WORKERS * 20 * 1024**2

    os.kill(victim, signal.SIGKILL)
    assert {*await begun(served._process.pid, without=victim)} != {*workers}
    # What was counted stays; what was so of the dead one is told by who took its place.
    await until(served, pools, 5 * WORKERS, pool="read")
    await until(served, CHECKS, 30, route="/auth/check")
    files = {file.name.rpartition("_")[2] for file in folder.iterdir()}
    assert files == {f"{place}.db" for place in range(WORKERS)}

    assert await served.stop() == 0
    assert not folder.exists()


async def test_nothing_is_left_of_a_supervisor_that_is_killed(serve: Serve) -> None:
    served = serve(WORKERS=str(WORKERS))
    await served.start()
    assert served._process is not None
    folder = folder_of((await begun(served._process.pid))[0])
    assert folder.exists()
    await served.kill()
    async with asyncio.timeout(20):
        while True:
            if not folder.exists():
                return
            await asyncio.sleep(0.05)


async def test_one_process_needs_no_folder(serve: Serve) -> None:
    served = serve()
    await served.start()
    assert (await scrape(served.program)).value("dhq_auth_build_info") == 1
    assert served._process is not None
    maps = Path(f"/proc/{served._process.pid}/maps")
    assert "dhq-auth-metrics" not in await asyncio.to_thread(maps.read_text)
