"""REL-10: clocks that are not the same everywhere, and clocks that jump."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.clocks import WrongClock
from tests.faults.people import PASSWORD, Caller
from tests.faults.stage import Stage

DAY, HALF_AN_HOUR = 86400, 1800


@pytest.mark.parametrize("apart", [-30, 30])
async def test_rel_10_replicas_half_a_minute_apart_believe_each_other(
    stage: Callable[..., Stage], postgres_url: str, tmp_path: Path, apart: int
) -> None:
    clock = WrongClock(tmp_path / "clock")
    on = stage(2, DATABASE_URL=postgres_url)
    on.replicas[1].environ.update(clock.environ)
    clock.set(apart)
    await on.start()
    await on.populate(["ada", "bob"])
    async with on.traffic():
        await asyncio.sleep(1.5)
    await on.judge()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_rel_10_a_clock_that_jumps_ahead_ends_what_is_over_and_nothing_else(
    stage: Callable[..., Stage], database_url: str, tmp_path: Path
) -> None:
    clock = WrongClock(tmp_path / "clock")
    short = {"SESSION_DURATION": "12h", "LOGIN_TOKEN_LIFETIME": "12h"}
    on = stage(1, DATABASE_URL=database_url, **short)
    on.replicas[0].environ.update(clock.environ)
    on.now = clock.now
    await on.start()
    await on.populate(["ada", "bob"])
    ada, bob = on.people
    await clock.jump(DAY, on.address)
    answer = await ada.program.ask("GET", "/auth/check", bearer=ada.jwt)
    assert (answer["authenticated"], answer["reason"]) == (False, "expired")
    answer = await bob.browser.ask("GET", "/auth/check")
    assert answer["authenticated"] is False
    await ada.check_a_live_token()  # it never expires
    for person in on.people:
        await person.come_back()
    for ahead in (DAY, 0):  # what was made tomorrow is believed today
        await clock.jump(ahead, on.address)
        async with on.traffic():
            await asyncio.sleep(1)
    await on.judge()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_rel_10_a_clock_that_is_set_back_locks_nobody_out(
    stage: Callable[..., Stage], database_url: str, tmp_path: Path
) -> None:
    clock = WrongClock(tmp_path / "clock")
    on = stage(1, DATABASE_URL=database_url, LOGIN_WINDOW="60")
    on.replicas[0].environ.update(clock.environ)
    on.now = clock.now
    await on.start()
    await on.populate(["ada", "bob"])
    stranger = Caller(on.ledger, on.anywhere, keeps_cookies=False)
    wrong = {"username": "bob", "password": f"not {PASSWORD}"}
    for _ in range(5):
        assert (await stranger.ask("POST", "/auth/login", json=wrong)).status == 401
    for ahead in (0, -HALF_AN_HOUR, 0):
        await clock.jump(ahead, on.address)
        async with on.traffic():
            await asyncio.sleep(0.7)
        if ahead:
            # Limits were counted by the clock as it was; they do not last for half an hour more.
            right = {**wrong, "password": PASSWORD}
            assert (await stranger.ask("POST", "/auth/login", json=right)).status == 200
    await stranger.close()
    await on.judge()
