"""What is fetched from others is fetched once for all who need it, and kept while it cannot be."""

import asyncio
from datetime import timedelta

import pytest

from dhq_auth.errors import UpstreamFailed
from dhq_auth.remote import Cached
from tests.fixtures.service import FrozenClock


class Source:
    """What a cache fetches from: it counts, and can fail or be slow."""

    def __init__(self) -> None:
        self.asked = 0
        self.fault: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self) -> int:
        self.asked += 1
        asked = self.asked
        await self.gate.wait()
        if self.fault:
            raise self.fault
        return asked


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cached(source: Source, clock: FrozenClock) -> Cached[int]:
    return Cached(
        source.fetch, lifetime=timedelta(hours=1), cooldown=timedelta(minutes=1), now=clock
    )


async def test_many_who_need_a_value_at_once_fetch_it_once(
    cached: Cached[int], source: Source
) -> None:
    source.gate.clear()
    waiting = [asyncio.create_task(cached.get()) for _ in range(10)]
    await asyncio.sleep(0)
    source.gate.set()
    assert await asyncio.gather(*waiting) == [1] * 10


async def test_a_caller_who_goes_away_does_not_take_the_fetch_along(
    cached: Cached[int], source: Source
) -> None:
    source.gate.clear()
    first, second = (asyncio.create_task(cached.get()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    assert await second == 1
    assert source.asked == 1


async def test_a_fetch_that_nobody_waits_for_any_more_may_fail_in_silence(
    cached: Cached[int], source: Source
) -> None:
    source.gate.clear()
    source.fault = UpstreamFailed("x")
    only = asyncio.create_task(cached.get())
    await asyncio.sleep(0)
    only.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    source.fault = None
    assert await cached.get() == 2


async def test_all_who_waited_hear_of_a_failure_each_by_an_error_of_their_own(
    cached: Cached[int], source: Source
) -> None:
    source.gate.clear()
    source.fault = UpstreamFailed("it is down")
    waiting = [asyncio.create_task(cached.get()) for _ in range(3)]
    await asyncio.sleep(0)
    source.gate.set()
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in errors] == ["it is down"] * 3
    assert len(set(map(id, errors))) == 3
    assert source.asked == 1


async def test_without_a_value_a_failure_is_tried_again_at_once(
    cached: Cached[int], source: Source
) -> None:
    source.fault = UpstreamFailed("x")
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            await cached.get()
    source.fault = None
    assert await cached.get() == 3


async def test_a_value_that_is_too_old_is_kept_while_it_cannot_be_fetched(
    cached: Cached[int], source: Source, clock: FrozenClock
) -> None:
    await cached.get()
    source.fault = UpstreamFailed("x")
    clock.advance(hours=1)
    assert [await cached.get() for _ in range(3)] == [1, 1, 1]
    assert source.asked == 2
    clock.advance(minutes=1)
    source.fault = None
    assert await cached.get() == 3


@pytest.mark.slow
async def test_an_old_value_does_where_a_newer_one_is_slow_to_come(
    cached: Cached[int], source: Source, clock: FrozenClock
) -> None:
    await cached.get()
    source.gate.clear()
    clock.advance(hours=1)
    assert await asyncio.gather(*(cached.get() for _ in range(3))) == [1, 1, 1]
    doubting = asyncio.create_task(cached.refetched())
    await asyncio.sleep(0)
    source.gate.set()
    assert await doubting == 2  # who has reason to doubt the old one waits
    assert await cached.get() == 2
    assert source.asked == 2


@pytest.mark.parametrize("hours", [-1, -100])
async def test_a_clock_set_back_neither_keeps_a_value_for_ever_nor_asks_all_the_time(
    cached: Cached[int], source: Source, clock: FrozenClock, hours: int
) -> None:
    await cached.refetched()
    clock.advance(hours=hours)
    assert [await cached.get() for _ in range(3)] == [2, 2, 2]
