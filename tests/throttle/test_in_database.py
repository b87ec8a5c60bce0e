"""The storage of `limits` in the database does what that library asks of a storage."""

import subprocess
import sys

import pytest
from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.aio.strategies import FixedWindowRateLimiter

from dhq_auth.throttle import store
from dhq_auth.throttle.in_database import DatabaseStorage, InDatabase
from dhq_auth.work import Work
from tests.fixtures.service import FrozenClock

THREE = RateLimitItemPerMinute(3)


async def test_a_strategy_of_the_library_works_on_it(work: Work, clock: FrozenClock) -> None:
    async with work.database.write() as db:
        limiter = FixedWindowRateLimiter(DatabaseStorage(db, clock()))
        assert [await limiter.hit(THREE, "a") for _ in range(4)] == [True] * 3 + [False]
        assert await limiter.hit(THREE, "b", cost=2)
        assert await limiter.test(THREE, "b")
        assert not await limiter.test(THREE, "b", cost=2)
        assert await limiter.storage.check()
    clock.advance(seconds=59)
    async with work.read() as db:
        limiter = FixedWindowRateLimiter(DatabaseStorage(db, clock()))
        reset = clock.now.timestamp() + 1
        assert await limiter.get_window_stats(THREE, "a") == (reset, 0)
        assert await limiter.get_window_stats(THREE, "b") == (reset, 1)
    clock.advance(seconds=1)
    async with work.database.write() as db:
        limiter = FixedWindowRateLimiter(DatabaseStorage(db, clock()))
        assert await limiter.get_window_stats(THREE, "a") == (clock.now.timestamp(), 3)
        assert await limiter.hit(THREE, "a", cost=3)
        await limiter.clear(THREE, "a")
        assert await limiter.hit(THREE, "a", cost=3)
        assert await limiter.storage.reset() == 2
        assert await limiter.storage.reset() == 0


async def test_an_exception_undoes_what_was_counted(work: Work, clock: FrozenClock) -> None:
    async def count_and_fail(counters: Storage) -> None:
        assert await counters.incr("a", 60) == 1
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await InDatabase(work).change(count_and_fail)
    async with work.read() as db:
        assert await store.counter(db, "a", clock()) is None


@pytest.mark.slow
def test_the_service_starts_without_what_only_logins_need() -> None:
    program = """
import sys, dhq_auth.app
from dhq_auth.settings import from_environ
from dhq_auth.throttle.failures import LoginFailures
LoginFailures(from_environ({"RATE_LIMIT_STORAGE": "redis://h"}), None)
assert not {"limits", "redis"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], check=True)  # noqa: S603
