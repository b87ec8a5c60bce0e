"""Sealing: by one process for all, behind those who write, with nothing left out."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dhq_auth.audit import store
from dhq_auth.audit.sealing import BATCH, keep_sealed
from dhq_auth.duties.store import AUDIT, hold
from dhq_auth.events import Source, UsernameChosen
from dhq_auth.settings import from_environ
from tests.audit.conftest import KEY, Log
from tests.fixtures.process import kill

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
ROOT = Path(__file__).parents[2]


async def seals(log: Log) -> list[tuple[int, int]]:
    found = await log.sql("SELECT position, previous FROM audit_seals ORDER BY position")
    return [(position, previous) for position, previous in found]


async def write_many(log: Log, count: int) -> None:
    async with log.database.write() as db:
        event = UsernameChosen(user_id="u", username="u")
        await store.append(db, [event] * count, Source(), log.clock())


async def test_rows_are_sealed_in_the_order_of_their_ids(log: Log) -> None:
    await log.write(3)
    await log.write(2)
    found = await log.sql("SELECT id, position FROM audit_events ORDER BY id")
    assert [position for _, position in found] == [1, 2, 3, 4, 5]
    assert await log.seal() == 0


async def test_a_batch_is_bounded_and_the_next_goes_on(log: Log) -> None:
    await write_many(log, BATCH + 2)
    assert [await log.seal(), await log.seal(), await log.seal()] == [BATCH, 2, 0]
    check = await log.check()
    assert (check.faults, check.rows) == ([], BATCH + 2)
    assert await seals(log) == [(BATCH, 0), (BATCH + 2, BATCH)]


@SQLITE
async def test_the_last_seal_moves_on_within_the_hour_and_stays_afterwards(log: Log) -> None:
    log.clock.now = log.clock.now.replace(minute=0, second=0)
    await log.write(2)
    await log.write(3)
    assert await seals(log) == [(5, 0)]
    log.clock.advance(hours=1)
    await log.write(1)
    assert await seals(log) == [(5, 0), (6, 5)]
    assert await log.faults() == []


@pytest.mark.slow
@POSTGRES
async def test_what_commits_late_is_sealed_next(log: Log) -> None:
    event = UsernameChosen(user_id="late", username="late")
    async with log.database.write() as db:
        await store.append(db, [event], Source(), log.clock())
        await log.write(2)
    assert await log.seal() == 1
    found = await log.sql("SELECT id, position FROM audit_events ORDER BY id")
    assert [position for _, position in found] == [3, 1, 2]
    assert await log.faults() == []


@POSTGRES
async def test_who_writes_does_not_wait_for_who_seals(log: Log) -> None:
    async with log.database.write() as db:
        assert await hold(db, AUDIT) == 0
        await log.write(2, sealed=False)
        assert await log.seal() == 0  # it is another's turn
    assert await log.seal() == 2


@SQLITE
async def test_a_clock_that_was_set_back_disturbs_nothing(log: Log) -> None:
    for hours in (2, -5, 1, -1, 30):
        await log.write(2)
        log.clock.advance(hours=hours)
    assert await log.faults() == []


async def test_rows_of_the_version_before_are_sealed_at_the_next_run(log: Log) -> None:
    for number in range(3):
        values = f"'2025-01-0{number + 1} 00:00:00', 'logout', '{{}}'"
        await log.sql(f"INSERT INTO audit_events (at, kind, detail) VALUES ({values})")  # noqa: S608
    check = await log.check()
    assert (check.waiting, [fault.kind for fault in check.faults]) == (3, ["unsealed"])
    assert await log.seal() == 3
    assert await log.faults() == []


@SQLITE
async def test_rows_wait_for_their_seal_for_ten_minutes(log: Log) -> None:
    await log.write(1)
    await log.write(1, sealed=False)
    check = await log.check()
    assert (check.faults, check.waiting, check.rows) == ([], 1, 1)
    log.clock.advance(minutes=11)
    (fault,) = (await log.check()).faults
    assert (fault.position, fault.kind) == (2, "unsealed")


@asynccontextmanager
async def sealer(log: Log, **environ: str) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(
        keep_sealed(log.database, lambda: KEY, from_environ(environ), log.clock, interval=0.01)
    )
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until_sealed(log: Log) -> None:
    async with asyncio.timeout(20):
        while await _waiting(log):  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.01)


async def _waiting(log: Log) -> bool:
    return bool(await log.sql("SELECT 1 FROM audit_events WHERE position IS NULL"))


@SQLITE
@pytest.mark.slow
async def test_the_service_seals_by_itself_and_forgets_what_is_old(log: Log) -> None:
    await log.batches(2, 2)
    log.clock.advance(days=3)
    await write_many(log, BATCH + 5)
    async with sealer(log, AUDIT_RETENTION="2d"):
        await until_sealed(log)
        async with asyncio.timeout(20):
            while await log.sql("SELECT 1 FROM audit_events WHERE position <= 4"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    check = await log.check()
    assert (check.faults, check.rows, check.position) == ([], BATCH + 5, BATCH + 9)


@SQLITE
@pytest.mark.slow
async def test_a_fault_of_the_database_is_told_once_and_got_over(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    await log.write(2, sealed=False)
    await log.sql("ALTER TABLE audit_seals RENAME TO elsewhere")
    async with sealer(log) as task:
        await asyncio.sleep(0.2)
        assert not task.done()
        await log.sql("ALTER TABLE elsewhere RENAME TO audit_seals")
        await until_sealed(log)
    assert caplog.text.count("cannot be sealed") == 1
    assert await log.faults() == []


@SQLITE
@pytest.mark.slow
async def test_that_nobody_seals_though_nothing_fails_is_told(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    """Who wants to hide something may hold the duty for long, or delete its row."""
    await log.write(1)
    await log.sql("DELETE FROM duties WHERE name = 'audit'")
    await log.write(2, sealed=False)
    log.clock.advance(minutes=11)
    async with sealer(log), asyncio.timeout(20):
        while "2 rows of the audit log are not sealed" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@asynccontextmanager
async def process(url: str, name: str, count: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that writes *count* rows twice, and seals whenever it gets to it."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.audit.writer", url, name, str(count), KEY),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
    )
    try:
        assert running.stdout
        await running.stdout.readline()
        yield running
    finally:
        await kill(running)


@pytest.mark.slow
async def test_three_processes_write_and_seal_at_once_and_one_of_them_dies(
    log: Log, database_url: str
) -> None:
    many = 20
    async with (
        process(database_url, "one", many) as one,
        process(database_url, "two", many) as two,
        process(database_url, "doomed", 100_000) as doomed,
    ):
        await asyncio.sleep(0.3)
        assert doomed.returncode is None, (await doomed.communicate())[1].decode()
        doomed.kill()
        for each in (one, two):
            _, said = await each.communicate()
            assert each.returncode == 0, said.decode()
    while await log.seal():
        pass
    check = await log.check()
    assert check.faults == []
    found = await log.sql("SELECT user_id, count(*) FROM audit_events GROUP BY user_id")
    assert {**dict(found), "doomed": 0} == {"one": 2 * many, "two": 2 * many, "doomed": 0}
    assert check.rows == sum(count for _, count in found)
