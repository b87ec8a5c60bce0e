"""REL-14, REL-15, REL-16: signals, settings at fault, and a database of the version before."""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.faults.people import PASSWORD
from tests.faults.processes import family, runs
from tests.faults.stage import Stage
from tests.fixtures.process import ServedProcess
from tests.migrations.test_from_0003 import ADA, SAMPLES, SECRET_KEY

DRAIN = 30.0
KILLS, MANY_KILLS = 5, 40


async def test_rel_14_what_was_accepted_is_answered_and_the_process_ends_in_good_order(
    stage: Callable[..., Stage], database_url: str
) -> None:
    on = stage(1, DATABASE_URL=database_url, WORKERS="2")
    await on.start()
    await on.populate(["ada", "bob"])
    (replica,) = on.replicas
    processes = family(replica.pid)
    async with ClientSession(on.address) as session:

        async def log_in(name: str) -> int:
            sent = {"username": name, "password": PASSWORD}
            async with session.post("/auth/login", json=sent) as answer:
                return answer.status

        logins = asyncio.gather(*(log_in(name) for name in ("ada", "bob") * 4))
        await asyncio.sleep(0.2)  # they are accepted, and most of them wait to be hashed
        async with asyncio.timeout(DRAIN):
            assert await replica.stop() == 0
        assert set(await logins) == {200}
    assert not [pid for pid in processes if runs(pid)]
    await replica.start()  # the port is free
    await on.judge()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_rel_15_settings_at_fault_end_the_start_with_their_names_and_no_secret(
    tmp_path: Path, database_url: str
) -> None:
    secret = "this is a secret that nobody may read"
    faulty = {"PORT": "seven", "SECRET_KEY": "short", "GOOGLE_SECRET": secret, "WORKERS": "0"}
    process = ServedProcess(tmp_path, {"DATABASE_URL": database_url, **faulty})
    with pytest.raises(AssertionError):
        await process.start()
    assert await process.ended() == 2
    said = process.log.decode()
    assert {line.partition(":")[0] for line in said.splitlines()} == {
        "PORT",
        "SECRET_KEY",
        "GOOGLE_KEY",
        "WORKERS",
    }
    assert secret not in said
    assert "Traceback" not in said


async def test_rel_16_an_upgrade_that_is_killed_has_happened_or_not(
    stage: Callable[..., Stage], tmp_path: Path, *, thorough: bool
) -> None:
    file = tmp_path / "before.db"
    with closing(sqlite3.connect(file)) as db:
        db.executescript((SAMPLES / "version_0003.sql").read_text())
    on = stage(
        1,
        DATABASE_URL=f"sqlite:///{file}",
        SECRET_KEY=SECRET_KEY,
        EXTERNAL_ADDRESS="http://localhost:8000",
        LOGIN_TOKEN_LIFETIME="3650d",
        SESSION_DURATION="0",
    )
    rng = random.Random(16)  # noqa: S311 - the same moments in every run
    (replica,) = on.replicas
    for _ in range(MANY_KILLS if thorough else KILLS):
        starting = asyncio.create_task(replica.start())
        await asyncio.sleep(rng.uniform(0.3, 1.3))
        await replica.kill()
        await asyncio.gather(starting, return_exceptions=True)
    await replica.start()
    async with ClientSession(replica.url) as session:
        for token, holds in ((ADA["login_token"], True), (ADA["ended_login_token"], False)):
            async with session.get("/auth/check", headers={"Auth-Token": token}) as answer:
                assert (await answer.json())["authenticated"] is holds
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
