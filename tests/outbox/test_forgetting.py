"""Deliveries that ended are forgotten in time; what is owed is not."""

from datetime import timedelta
from functools import partial

import pytest

from dhq_auth.hookspecs import NotDelivered
from dhq_auth.housekeeping import BATCH, prune
from dhq_auth.outbox import store
from dhq_auth.outbox.store import NOBODY
from dhq_auth.work import Work
from tests.fixtures.service import FrozenClock
from tests.outbox.conftest import SQLITE, Make, Receiver, dispatcher, happens, rows, turn

KEPT = timedelta(hours=1)
FORGET = partial(store.prune, kept=KEPT)


@pytest.mark.parametrize("failure", [None, NotDelivered("status 410", for_good=True)])
async def test_what_arrived_or_was_given_up_is_kept_for_a_while(
    work: Work, receiver: Receiver, clock: FrozenClock, failure: Exception | None
) -> None:
    await happens(work)
    clock.advance(hours=3)
    receiver.fails(failure)
    await turn(dispatcher(work, webhook=receiver))
    clock.now += KEPT
    assert await prune(work, FORGET) == 0
    clock.advance(seconds=1)
    assert await prune(work, FORGET) == 1
    assert await rows(work) == []


@pytest.mark.slow
async def test_what_is_owed_is_kept_however_old(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    receiver.fails(NotDelivered("status 500"))
    await happens(work)
    ours = dispatcher(work, webhook=receiver)
    for _ in range(9):
        await turn(ours)
        assert await prune(work, FORGET) == 0
        (row,) = await rows(work)
        assert row["due_at"] is not None
        clock.now = row["due_at"]  # type: ignore[assignment]


@SQLITE
async def test_what_nobody_delivers_any_more_is_given_up_and_then_forgotten(
    work: Work, clock: FrozenClock
) -> None:
    await happens(work)
    clock.now += KEPT
    await prune(work, FORGET)
    assert (await rows(work))[0]["due_at"] is not None
    clock.advance(seconds=1)
    await prune(work, FORGET)
    (row,) = await rows(work)
    assert (row["error"], row["given_up_at"]) == (NOBODY, clock.now)
    clock.advance(hours=1, seconds=1)
    assert await prune(work, FORGET) == 1


@pytest.mark.slow
@SQLITE
async def test_they_are_forgotten_in_batches(make_work: Make, clock: FrozenClock) -> None:
    receiver = Receiver()
    work = make_work(**{f"to{number}": receiver for number in range(BATCH // 10 + 1)})
    for _ in range(10):
        await happens(work)
    await prune(work, FORGET)
    clock.advance(hours=2)
    await prune(work, FORGET)
    clock.advance(hours=2)
    async with work.database.write() as db:
        assert await FORGET(db, clock.now, limit=BATCH) == BATCH
    assert await prune(work, FORGET) == 10
