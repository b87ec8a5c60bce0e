"""REL-01, REL-02, REL-03, REL-13: a database that is away, hangs, or is taken by others."""

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from aiohttp import ClientSession

from tests.fakes.postgres import PASSWORD, PostgresServer
from tests.fakes.proxy import Proxy
from tests.faults.stage import Stage, ready

AWAY = 1.5
"""Seconds for which the database is away."""
DEADLINE = 2
"""DATABASE_TIMEOUT of a database that hangs."""
GIVING_UP = 3.0
"""Seconds that the driver may need beyond the deadline to give up a connection that hangs."""
AT_ONCE = 0.5
"""Seconds for what asks no database, on a machine that does much else (it is 0.01 on a quiet one)."""
READY = 10.0
"""Seconds in which REL-01 wants to be ready."""
HEALS = 5.0
"""Seconds in which REL-02 wants the first good answer."""


async def test_rel_01_replicas_that_start_before_their_database_are_ready_soon_after_it(
    stage: Callable[..., Stage], proxy: Proxy, behind_proxy: str
) -> None:
    await proxy.cut()
    on = stage(2, DATABASE_URL=behind_proxy, DATABASE_TIMEOUT="2", SECRET_KEY="s" * 40)
    await on.start()
    async with ClientSession() as session:
        for replica in on.replicas:
            for path, status in (("/healthz", 200), ("/readyz", 503), ("/auth/public-key", 503)):
                async with session.get(f"{replica.url}{path}") as answer:
                    assert answer.status == status, path
                    assert status == 200 or answer.headers["Retry-After"]
    await proxy.mend()
    begun = time.monotonic()
    for replica in on.replicas:  # both on an empty database, at the same moment
        await ready(replica.url, begun)
    on.ledger.healed.append(time.monotonic() - begun)
    assert on.ledger.healed[-1] < READY
    await on.populate(["ada", "bob"])
    async with on.traffic():
        await asyncio.sleep(0.5)
    await on.judge()
    assert PASSWORD.encode() not in b"".join(replica.log for replica in on.replicas)


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


async def test_rel_03_with_a_database_that_hangs_every_request_ends_in_time(
    stage: Callable[..., Stage], proxy: Proxy, behind_proxy: str
) -> None:
    on = stage(1, DATABASE_URL=behind_proxy, DATABASE_TIMEOUT=str(DEADLINE), DATABASE_POOL="2")
    await on.start()
    await on.populate([f"person{number}" for number in range(8)])
    async with on.traffic():
        await asyncio.sleep(0.3)
        proxy.hang()
        hangs_until = time.monotonic() + DEADLINE + 1
        async with ClientSession(on.address) as session:
            for path in itertools.cycle(("/healthz", "/auth/public-key", "/.well-known/jwks.json")):
                begun = time.monotonic()
                if begun > hangs_until:
                    break
                async with session.get(path) as answer:
                    assert answer.status == 200
                assert time.monotonic() - begun < AT_ONCE
                await asyncio.sleep(0.03)
        proxy.let_go()
        await on.healed(time.monotonic())
    assert on.ledger.refused
    assert on.ledger.slowest < DEADLINE + GIVING_UP
    await on.judge()


async def test_rel_13_who_finds_sqlite_taken_waits_and_is_then_refused(
    stage: Callable[..., Stage], tmp_path: Path
) -> None:
    file = tmp_path / "shared.db"
    on = stage(1, DATABASE_URL=f"sqlite:///{file}", DATABASE_TIMEOUT="1", WORKERS="2")
    await on.start()
    await on.populate(["ada", "bob", "cleo"])
    with closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as other:
        async with on.traffic():
            for held in (0.5, 1.5, 0.5):  # shorter and longer than anybody waits
                other.execute("BEGIN IMMEDIATE")
                await asyncio.sleep(held)
                other.execute("ROLLBACK")
                await on.healed(time.monotonic())
    assert on.ledger.refused
    await on.judge()
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
