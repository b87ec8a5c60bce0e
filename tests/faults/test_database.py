"""REL-01, REL-02, REL-03, REL-13: a database that is away, hangs, or is taken by others."""

import asyncio
import time
from collections.abc import Callable

from tests.fakes.postgres import PostgresServer
from tests.fakes.proxy import Proxy
from tests.faults.stage import Stage

AWAY = 1.5
"""Seconds for which the database is away."""
HEALS = 5.0
"""Seconds in which REL-02 wants the first good answer."""


async def test_rel_02_a_database_that_goes_away_denies_nobody_and_loses_nothing(
    stage: Callable[..., Stage], proxy: Proxy, behind_proxy: str, postgres: PostgresServer
) -> None:
    on = stage(2, DATABASE_URL=behind_proxy, DATABASE_TIMEOUT="2", DATABASE_POOL="3")
    await on.start()
    await on.populate(["ada", "bob", "cleo"])
    async with on.traffic():
        await asyncio.sleep(0.5)
        for _ in range(2):
            await proxy.cut()
            await asyncio.sleep(AWAY)
            await proxy.mend()
            assert await on.healed(time.monotonic()) < HEALS
            await asyncio.sleep(0.5)
    assert on.ledger.refused
    await on.judge()
    name = behind_proxy.rpartition("/")[2]
    left = postgres.execute(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
    assert int(left) <= 2 * (3 + 1)
