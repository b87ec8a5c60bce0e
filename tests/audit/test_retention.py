"""What is too old goes, in whole batches from the first; the rest is checked from the anchor."""

from datetime import timedelta

import pytest

from dhq_auth.audit.check import Seen
from dhq_auth.audit.retention import forget
from dhq_auth.duties.store import AUDIT, hold
from tests.audit.conftest import KEY, Log

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.slow


async def forget_older(log: Log, **age: float) -> list[int]:
    """Remove batch after batch; return how many rows each had."""
    gone = []
    while rows := await forget(log.database, KEY, log.clock(), log.clock() - timedelta(**age)):
        gone.append(rows)
    return gone


async def test_what_is_old_goes_batch_by_batch_and_the_rest_fits(log: Log) -> None:
    await log.batches(4, 2, 3)
    assert await forget_older(log, days=1) == []
    log.clock.advance(days=2)
    await log.batches(5)
    assert await forget_older(log, days=1) == [4, 2, 3]
    assert await forget_older(log, days=1) == []
    check = await log.check()
    assert (check.faults, check.rows, check.position) == ([], 5, 14)
    assert check.anchor is not None
    assert (check.anchor.position, check.anchor.pruned_at) == (9, log.clock())
    await log.batches(2)
    assert await log.faults() == []


async def test_a_batch_goes_whole_or_not_at_all(log: Log) -> None:
    log.clock.now = log.clock.now.replace(minute=0, second=0)
    await log.write(2)
    log.clock.advance(minutes=50)
    await log.write(1)  # of one batch with the first
    log.clock.advance(minutes=30)
    assert await forget_older(log, minutes=60) == []
    log.clock.advance(minutes=31)
    assert await forget_older(log, minutes=60) == [3]
    check = await log.check()
    assert (check.faults, check.rows, check.position) == ([], 0, 3)
    await log.write(2)
    assert await log.faults() == []


@SQLITE
async def test_what_is_left_is_guarded_as_before(log: Log) -> None:
    await log.batches(4, 2, 3)
    log.clock.advance(days=1)
    assert await forget(log.database, KEY, log.clock(), log.clock() - timedelta(hours=1)) == 4
    await log.sql("DELETE FROM audit_events WHERE position = 5")
    assert await log.faults() == [(5, "missing")]
    await log.sql("UPDATE audit_seals SET position = 5 WHERE position = 4")
    assert await log.faults() == [(1, "missing"), (5, "forged"), (4, "seal_missing")]


@SQLITE
async def test_a_removed_anchor_shows(log: Log) -> None:
    await log.batches(4, 2)
    log.clock.advance(days=1)
    await forget(log.database, KEY, log.clock(), log.clock() - timedelta(hours=1))
    await log.sql("DELETE FROM audit_seals WHERE position = 4")
    assert await log.faults() == [(1, "missing"), (4, "seal_missing")]


@SQLITE
async def test_who_can_only_write_to_the_database_cannot_have_young_rows_removed(log: Log) -> None:
    await log.batches(4, 2, 3)
    await log.sql("UPDATE audit_seals SET sealed_at = '2020-01-01 00:00:00'")
    assert await forget_older(log, days=1) == []
    check = await log.check()
    assert check.rows == 9


@SQLITE
async def test_what_a_wrong_clock_has_sealed_does_not_stay_for_ever(log: Log) -> None:
    await log.batches(2)
    log.clock.advance(days=10_000)
    await log.batches(2)
    log.clock.advance(days=-10_000)
    await log.batches(3)
    log.clock.advance(days=-9_000)
    await log.batches(1)
    log.clock.advance(days=9_000)
    assert await forget_older(log, days=1) == []  # not the young for the old behind them
    log.clock.advance(days=2)
    assert await forget_older(log, days=1) == [2, 5, 1]
    assert await log.faults() == []


@SQLITE
async def test_while_somebody_seals_nothing_is_removed(log: Log) -> None:
    await log.batches(2)
    log.clock.advance(days=2)
    async with log.database.write() as db:
        assert await hold(db, AUDIT) == 2
    assert await forget_older(log, days=1) == [2]


@SQLITE
async def test_a_row_that_was_seen_may_have_been_removed_since(log: Log) -> None:
    await log.batches(2)
    head = await log.check()
    await log.batches(2)
    log.clock.advance(days=2)
    await log.batches(1)
    await forget_older(log, days=1)
    check = await log.check(seen=Seen(head.position, head.hash or ""))
    assert (check.faults, check.seen_is_gone) == ([], True)
