"""Deliveries that ended are forgotten in time; what is owed is not."""

from datetime import timedelta
from functools import partial

import pytest

from dhq_auth.hookspecs import NotDelivered
from dhq_auth.housekeeping import BATCH, prune
from dhq_auth.outbox import store
from dhq_auth.outbox.store import NOBODY
from dhq_auth.work import Work
from tests.cli.conftest import Cli
from tests.fakes.receiver import SECRET
from tests.fixtures.service import FrozenClock
from tests.outbox.conftest import (
    SQLITE,
    Make,
    Receiver,
    dispatcher,
    happens,
    names_of,
    rows,
    turn,
)

KEPT = timedelta(hours=1)
FORGET = partial(store.prune, kept=KEPT, installed=())


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


async def test_what_was_not_tried_for_long_is_owed_by_an_extension_that_is_installed(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    """The service was off for longer than DELIVERY_RETENTION, or its receiver for as long behind."""
    await happens(work)
    clock.now += 100 * KEPT
    assert await prune(work, partial(store.prune, kept=KEPT, installed=["webhook"])) == 0
    await turn(dispatcher(work, webhook=receiver))
    assert names_of(receiver.got) == ["ada"]


@SQLITE
async def test_a_prune_before_a_late_start_loses_no_delivery(
    database_url: str, work: Work, clock: FrozenClock
) -> None:
    """`dhq-auth prune` and the housekeeping know from the settings what is installed."""
    clock.now -= timedelta(days=100)
    await happens(work)
    environ = {
        "DATABASE_URL": database_url,
        "INSTALLED_EXTENSIONS": "webhook",
        "EXTENSION_WEBHOOK_URL": "https://crm.example.com/",
        "EXTENSION_WEBHOOK_SECRET": SECRET,
    }
    assert (await Cli(**environ).aside("prune")).code == 0
    assert [row["given_up_at"] for row in await rows(work)] == [None]


@pytest.mark.slow
@SQLITE
async def test_they_are_forgotten_in_batches(make_work: Make, clock: FrozenClock) -> None:
    receiver = Receiver()
    work = make_work(**{f"to{number}": receiver for number in range(BATCH // 10 + 1)})
    for _ in range(10):
        await happens(work)
    await prune(work, FORGET)
    clock.advance(hours=2)
    for given_up in (BATCH, BATCH + 10):
        await prune(work, FORGET)
        assert [row["due_at"] for row in await rows(work)].count(None) == given_up
    clock.advance(hours=2)
    async with work.database.write() as db:
        assert await FORGET(db, clock.now, limit=BATCH) == BATCH
    assert await prune(work, FORGET) == 10
