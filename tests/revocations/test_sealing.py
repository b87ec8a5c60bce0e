"""Positions are given after the commit: whoever follows misses nothing, however it came about."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import select

from dhq_auth.clock import utcnow
from dhq_auth.db import Database
from dhq_auth.duties import store as duties
from dhq_auth.events import Event, Source
from dhq_auth.revocations import store
from dhq_auth.revocations.feed import Feed
from dhq_auth.revocations.page import Cursor
from dhq_auth.work import Transaction, Work


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[list[Work]]:
    """Three processes' ways into one database."""

    async def announce(_: Sequence[Event]) -> None:
        """Tell nobody."""

    databases = [Database(database_url, pool=4, timeout=30) for _ in range(3)]
    yield [Work(database, utcnow, announce) for database in databases]
    for database in databases:
        await database.close()


async def add(work: Work, value: str) -> None:
    async def revoke(tx: Transaction) -> None:
        await store.add(tx.db, "sid", value, tx.now)

    await work.transact(Source(), revoke)


async def sealed(work: Work, limit: int = 500) -> int | None:
    async def seal(tx: Transaction) -> int | None:
        return await store.seal(tx.db, limit)

    return await work.transact(Source(), seal)


async def positions(work: Work) -> dict[str, int]:
    async with work.read() as db:
        found = await db.execute(
            select(store.revocation_feed.c.value, store.revocation_feed.c.position)
        )
        return {row.value: row.position for row in found}


class Reader:
    """Follows a feed page by page, and knows what it has seen."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.since: Cursor | None = None
        self.seen: list[str] = []

    async def catch_up(self) -> None:
        more = True
        while more:
            page = await self.feed.page(self.since)
            self.seen += [entry.value for entry in page.entries]
            self.since, more = page.next, page.full


async def test_positions_are_given_in_batches_without_gaps(replicas: list[Work]) -> None:
    for number in range(5):
        await add(replicas[0], str(number))
    assert [await sealed(replicas[1], 2) for _ in range(4)] == [2, 2, 1, 0]
    assert sorted((await positions(replicas[0])).values()) == [1, 2, 3, 4, 5]
    await add(replicas[2], "5")
    await sealed(replicas[2])
    assert (await positions(replicas[0]))["5"] == 6


async def test_who_fails_while_sealing_leaves_everything_as_it_was(replicas: list[Work]) -> None:
    await add(replicas[0], "1")

    async def die(tx: Transaction) -> None:
        assert await store.seal(tx.db, 500) == 1
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await replicas[0].transact(Source(), die)
    assert await positions(replicas[0]) == {"1": None}
    assert await sealed(replicas[1]) == 1
    assert await positions(replicas[0]) == {"1": 1}


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_revocation_that_commits_late_is_seen_by_who_has_read_on(
    replicas: list[Work],
) -> None:
    late, early, follower = replicas
    reader = Reader(Feed(follower, followers=1))
    written, may_commit = asyncio.Event(), asyncio.Event()

    async def slow(tx: Transaction) -> None:
        await store.add(tx.db, "sid", "late", tx.now)
        written.set()
        await may_commit.wait()

    committing = asyncio.create_task(late.transact(Source(), slow))
    await written.wait()
    await add(early, "early")
    await reader.catch_up()
    assert reader.seen == ["early"]
    may_commit.set()
    await committing
    await reader.catch_up()
    assert reader.seen == ["early", "late"]
    assert await positions(early) == {"early": 1, "late": 2}


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_one_process_seals_at_a_time_and_the_others_do_not_wait(replicas: list[Work]) -> None:
    first, second, _ = replicas
    await add(first, "1")
    holds, may_go = asyncio.Event(), asyncio.Event()

    async def hold(tx: Transaction) -> None:
        assert await duties.hold(tx.db, duties.REVOCATIONS) == 0
        holds.set()
        await may_go.wait()

    holding = asyncio.create_task(first.transact(Source(), hold))
    await holds.wait()
    async with asyncio.timeout(2):
        assert await sealed(second) is None
        assert (await Feed(second, followers=1).page(None)).entries == []
    may_go.set()
    await holding
    assert await sealed(second) == 1


@pytest.mark.slow
async def test_followers_of_three_processes_see_everything_once_in_the_same_order(
    replicas: list[Work],
) -> None:
    readers = [Reader(Feed(work, followers=1)) for work in replicas]
    writing = [f"{writer}-{number}" for writer in range(3) for number in range(30)]

    async def write(writer: int) -> None:
        for value in (each for each in writing if each.startswith(str(writer))):
            await add(replicas[writer], value)

    async def follow(reader: Reader, writers: "asyncio.Future[list[None]]") -> None:
        while not writers.done():
            await reader.catch_up()
            await asyncio.sleep(0.01)
        await reader.catch_up()

    writers = asyncio.gather(*(write(writer) for writer in range(3)))
    await asyncio.gather(writers, *(follow(reader, writers) for reader in readers))
    for reader in readers:
        await reader.catch_up()  # what another was sealing just then
    assert sorted(readers[0].seen) == sorted(writing)
    assert readers[0].seen == readers[1].seen == readers[2].seen
