"""Delivering: each at least once, normally once, whatever receivers, processes and clocks do."""

import asyncio
import logging
from datetime import timedelta

import pytest

from dhq_auth.db import Database
from dhq_auth.hookspecs import Delivery, NotDelivered
from dhq_auth.outbox.schedule import JITTER, TRIES, WAITS
from dhq_auth.work import Work
from tests.fakes.postgres import PostgresServer
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
    until,
)

SLACK = 1 + JITTER


async def test_what_happened_is_delivered_once_and_then_remembered(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    await happens(work, "ada", "bob")
    ours = dispatcher(work, webhook=receiver)
    await turn(ours)
    assert sorted(names_of(receiver.got)) == ["ada", "bob"]
    assert {each.attempt for each in receiver.got} == {1}
    clock.advance(days=10)
    await turn(ours)
    assert len(receiver.got) == 2
    for row in await rows(work):
        assert (row["attempts"], row["due_at"], row["error"]) == (1, None, None)
        assert row["delivered_at"] is not None


@pytest.mark.slow
async def test_three_replicas_deliver_each_once(
    database_url: str, make_work: Make, receiver: Receiver
) -> None:
    await deliver_by_three(database_url, make_work, receiver)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_three_replicas_deliver_each_once_where_transactions_are_serializable(
    database_url: str, make_work: Make, receiver: Receiver, postgres: PostgresServer
) -> None:
    name = database_url.rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    await deliver_by_three(database_url, make_work, receiver)


async def deliver_by_three(url: str, make_work: Make, receiver: Receiver) -> None:
    names = [f"user{number}" for number in range(60)]
    databases = [Database(url, pool=3, timeout=20) for _ in range(3)]
    works = [make_work(database, webhook=receiver) for database in databases]
    await happens(works[0], *names)
    replicas = [dispatcher(work, calls=7, webhook=receiver) for work in works]
    while any(row["due_at"] for row in await rows(works[0])):
        await asyncio.gather(*(turn(each) for each in replicas))
    assert sorted(names_of(receiver.got)) == sorted(names)
    for database in databases:
        await database.close()


@SQLITE
async def test_one_that_fails_is_tried_ten_times_ever_less_often_and_then_given_up(
    work: Work, receiver: Receiver, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dhq_auth.outbox")
    receiver.fails(NotDelivered("status 500"))
    await happens(work)
    ours = dispatcher(work, webhook=receiver)
    for number, wait in enumerate(WAITS, start=1):
        await turn(ours)
        assert len(receiver.got) == number
        clock.advance(seconds=wait.total_seconds() - 0.001)
        await turn(ours)
        assert len(receiver.got) == number, "it came too early"
        clock.advance(seconds=wait.total_seconds() * JITTER + 0.002)
    await turn(ours)
    assert [each.attempt for each in receiver.got] == list(range(1, TRIES + 1))
    assert len({each.id for each in receiver.got}) == 1
    assert len({repr(each.payload) for each in receiver.got}) == 1
    clock.advance(days=10)
    await turn(ours)
    assert len(receiver.got) == TRIES
    (row,) = await rows(work)
    assert (row["error"], row["due_at"], row["delivered_at"]) == ("status 500", None, None)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "extension webhook does not deliver; we try again: status 500",
        (
            f"extension webhook: delivery {row['id']} (username.chosen) is given up after 10 "
            "tries: status 500"
        ),
    ]


@SQLITE
async def test_one_that_is_wanted_by_nobody_is_given_up_at_once(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    receiver.fails(NotDelivered("status 410", for_good=True))
    await happens(work)
    ours = dispatcher(work, webhook=receiver)
    await turn(ours)
    clock.advance(days=1)
    await turn(ours)
    assert len(receiver.got) == 1
    (row,) = await rows(work)
    assert row["given_up_at"] is not None


@SQLITE
async def test_a_receiver_that_asks_for_time_gets_it(
    work: Work, receiver: Receiver, clock: FrozenClock
) -> None:
    receiver.fails(NotDelivered("status 429", retry_after=timedelta(hours=1)))
    await happens(work)
    ours = dispatcher(work, webhook=receiver)
    await turn(ours)
    clock.advance(minutes=59)
    await turn(ours)
    assert len(receiver.got) == 1
    clock.advance(seconds=3600 * SLACK - 3540)
    await turn(ours)
    assert len(receiver.got) == 2


@SQLITE
async def test_a_receiver_that_comes_back_gets_what_it_missed_and_the_log_says_so(
    work: Work, receiver: Receiver, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dhq_auth.outbox")
    receiver.fails(NotDelivered("it cannot be connected to"))
    await happens(work, "ada", "bob", "eve")
    ours = dispatcher(work, webhook=receiver)
    await turn(ours)
    receiver.fails(None)
    receiver.got.clear()
    clock.advance(seconds=5 * SLACK)
    await turn(ours)
    assert sorted(names_of(receiver.got)) == ["ada", "bob", "eve"]
    assert [record.getMessage() for record in caplog.records] == [
        "extension webhook does not deliver; we try again: it cannot be connected to",
        "extension webhook delivers again",
    ]


@pytest.mark.slow
@SQLITE
async def test_a_slow_receiver_holds_up_neither_others_nor_changes(make_work: Make) -> None:
    release = asyncio.Event()

    async def hold(_: Delivery) -> None:
        await release.wait()

    slow, quick = Receiver(), Receiver()
    slow.answer = hold
    receivers = {"slow": slow, "quick": quick}
    work = make_work(**receivers)
    names = [f"user{number}" for number in range(8)]
    await happens(work, *names)
    ours = dispatcher(work, calls=2, **receivers)
    running = asyncio.create_task(ours.run())

    async def quick_has_all() -> bool:
        return len(quick.got) == len(names)

    async def slow_has_all() -> bool:
        return len(slow.got) > len(names)

    await until(quick_has_all)
    await happens(work, "late")
    assert len(slow.got) == 2, "no more than two calls are in flight"
    release.set()
    await until(slow_has_all)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@SQLITE
async def test_an_event_of_an_extension_that_is_not_installed_waits_for_it(
    make_work: Make, receiver: Receiver
) -> None:
    work = make_work(webhook=receiver)
    await happens(work)
    other = Receiver()
    await turn(dispatcher(work, other=other))
    assert other.got == []
    await turn(dispatcher(work, webhook=receiver))
    assert names_of(receiver.got) == ["ada"]


@SQLITE
async def test_nothing_is_asked_of_the_database_where_nobody_delivers(make_work: Make) -> None:
    away = Database("postgresql://ada@127.0.0.1:1/x", pool=1, timeout=1)
    async with asyncio.timeout(1):
        await dispatcher(make_work(away)).run()
    await away.close()
