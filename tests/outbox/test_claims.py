"""Who has taken a delivery, and for how long: processes that die, notes that come late, clocks."""

import asyncio
from datetime import timedelta

import pytest

from dhq_auth.hookspecs import Delivery, NotDelivered
from dhq_auth.outbox.dispatcher import ENDED_EACH_TIME, MARGIN
from dhq_auth.outbox.schedule import JITTER, TRIES, WAITS
from dhq_auth.work import Work
from tests.fixtures.service import FrozenClock
from tests.outbox.conftest import (
    SQLITE,
    TIMEOUT,
    Receiver,
    dispatcher,
    happens,
    names_of,
    rows,
    turn,
)

CLAIM = timedelta(seconds=2 * TIMEOUT + MARGIN)
SLACK = 1 + JITTER


async def test_one_that_was_sent_by_a_process_that_died_comes_again_with_the_same_id(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    arrived = asyncio.Event()

    async def hang(_: Delivery) -> None:
        arrived.set()
        await asyncio.Event().wait()

    receiver.answer = hang
    await happens(work)
    running = asyncio.create_task(dispatcher(work, webhook=receiver).run())
    async with asyncio.timeout(10):
        await arrived.wait()
    running.cancel()  # what it would have noted, it never will
    await asyncio.gather(running, return_exceptions=True)
    receiver.fails(None)
    other = dispatcher(work, webhook=receiver)
    clock.advance(seconds=CLAIM.total_seconds() - 1)
    await turn(other)
    assert len(receiver.got) == 1, "the first process may still be at it"
    clock.advance(seconds=1)
    await turn(other)
    first, second = receiver.got
    assert (first.id, first.payload) == (second.id, second.payload)
    assert (first.attempt, second.attempt) == (1, 2)
    clock.advance(days=1)
    await turn(other)
    assert len(receiver.got) == 2


@pytest.mark.slow
@SQLITE
async def test_one_that_ends_each_process_is_given_up_too(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    async def hang(_: Delivery) -> None:
        await asyncio.Event().wait()

    receiver.answer = hang
    await happens(work)
    for _ in range(TRIES):
        dying = dispatcher(work, webhook=receiver)
        await dying.turn()
        await asyncio.sleep(0)
        for flight in dying._flights:
            flight.cancel()
        await dying.landed()
        clock.advance(seconds=CLAIM.total_seconds())
    assert len(receiver.got) == TRIES
    async with asyncio.timeout(10):
        await turn(dispatcher(work, webhook=receiver))
    assert len(receiver.got) == TRIES
    (row,) = await rows(work)
    assert (row["error"], row["due_at"]) == (ENDED_EACH_TIME, None)


@SQLITE
async def test_a_failure_that_is_noted_late_undoes_no_success(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    release = asyncio.Event()

    async def fail_late(delivery: Delivery) -> None:
        if delivery.attempt == 1:
            await release.wait()
            raise NotDelivered("status 500")

    receiver.answer = fail_late
    await happens(work)
    slow, quick = (dispatcher(work, webhook=receiver) for _ in range(2))
    await slow.turn()
    clock.advance(seconds=CLAIM.total_seconds())
    await turn(quick)
    release.set()
    await slow.landed()
    (row,) = await rows(work)
    assert row["delivered_at"] is not None
    assert row["due_at"] is None
    assert row["error"] is None


@SQLITE
async def test_a_failure_that_is_noted_late_does_not_shorten_the_claim_of_another(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    first, second = asyncio.Event(), asyncio.Event()

    async def hold(delivery: Delivery) -> None:
        await (first if delivery.attempt == 1 else second).wait()
        raise NotDelivered(f"try {delivery.attempt}")

    receiver.answer = hold
    await happens(work)
    slow, other = (dispatcher(work, webhook=receiver) for _ in range(2))
    await slow.turn()
    clock.advance(seconds=CLAIM.total_seconds())
    await other.turn()
    first.set()
    await slow.landed()
    (row,) = await rows(work)
    assert (row["due_at"], row["error"]) == (clock.now + CLAIM, None)
    second.set()
    await other.landed()
    assert (await rows(work))[0]["error"] == "try 2"


@pytest.mark.parametrize("back", [timedelta(minutes=30), timedelta(days=400)])
@SQLITE
async def test_a_clock_that_is_set_back_freezes_nothing(
    work: Work, receiver: Receiver, clock: FrozenClock, back: timedelta
) -> None:
    receiver.fails(NotDelivered("status 500"))
    await happens(work)
    await turn(dispatcher(work, webhook=receiver))
    await happens(work, "bob")
    clock.now -= back
    receiver.got.clear()
    ours = dispatcher(work, webhook=receiver)
    await turn(ours)
    assert sorted(names_of(receiver.got)) == ["ada", "bob"]
    await turn(ours)
    assert len(receiver.got) == 2, "the waits count again"
    receiver.fails(None)
    clock.advance(seconds=WAITS[1].total_seconds() * SLACK)
    await turn(ours)
    assert not any(row["due_at"] for row in await rows(work))


@SQLITE
async def test_clocks_that_are_a_little_apart_take_nothing_from_each_other(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    release = asyncio.Event()

    async def hold(_: Delivery) -> None:
        await release.wait()

    receiver.answer = hold
    await happens(work)
    ahead = dispatcher(work, webhook=receiver)
    await ahead.turn()
    clock.advance(seconds=-30)
    await dispatcher(work, webhook=receiver).turn()
    await asyncio.sleep(0)
    assert len(receiver.got) == 1
    release.set()
    await ahead.landed()
