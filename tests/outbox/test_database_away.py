"""Deliveries while the database is away: put off, never lost, and not sent twice for that."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from dhq_auth.db import Database
from dhq_auth.hookspecs import Delivery
from tests.outbox.conftest import SQLITE, Make, Receiver, dispatcher, happens, names_of, rows, until


@pytest.mark.slow
@SQLITE
async def test_without_a_database_they_are_put_off_and_it_is_told_once(
    make_work: Make, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    away = Database("postgresql://ada@127.0.0.1:1/x", pool=1, timeout=1)
    ours = dispatcher(make_work(away, webhook=receiver), webhook=receiver)
    for _ in range(3):
        await ours._stumble_over_nothing(ours.turn)
    assert caplog.text.count("deliveries are put off") == 1
    await away.close()


@pytest.mark.slow
@SQLITE
async def test_what_arrived_is_noted_as_soon_as_the_database_can(
    database_url: str, make_work: Make, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(database_url, pool=2, timeout=0.2)
    work = make_work(database, webhook=receiver)
    await happens(work)
    arrived, release = asyncio.Event(), asyncio.Event()

    async def hold(_: Delivery) -> None:
        arrived.set()
        await release.wait()

    receiver.answer = hold
    running = asyncio.create_task(dispatcher(work, webhook=receiver).run())
    async with asyncio.timeout(10):
        await arrived.wait()
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as other:
            other.execute("BEGIN IMMEDIATE")
            release.set()
            while "does not answer" not in caplog.text:  # noqa: ASYNC110 - nor has the log
                await asyncio.sleep(0.01)

    async def all_noted() -> bool:
        return not any(row["due_at"] for row in await rows(work))

    await until(all_noted)
    assert names_of(receiver.got) == ["ada"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()
