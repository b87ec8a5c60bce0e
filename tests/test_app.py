"""The application as a whole: it begins and ends cleanly, and fails without remains."""

import asyncio
import gc
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import text

from dhq_auth.app import create_app
from dhq_auth.db import Database
from dhq_auth.errors import StartRefused
from dhq_auth.settings import from_environ
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock, Service, Start, oidc


def application(database_url: str, clock: FrozenClock, **environ: str) -> web.Application:
    settings = from_environ({"DATABASE_URL": database_url, **environ})
    app = create_app(settings, now=clock)
    app.freeze()
    return app


def held() -> tuple[set[str], int, set[str]]:
    """Return what a process can hold: threads, open files, tasks."""
    gc.collect()
    threads = {thread.name for thread in threading.enumerate()}
    tasks = {task.get_name() for task in asyncio.all_tasks()}
    return threads, len(os.listdir("/proc/self/fd")), tasks  # noqa: PTH208 - just how many


async def holds_no_more_than(before: tuple[set[str], int, set[str]]) -> None:
    """Threads of a driver need a moment to see that they are done.

    Less may be held than before: what tests before this one had is let go of at any time.
    """
    threads, files, tasks = before
    async with asyncio.timeout(10):
        while True:
            now = held()
            if now[0] <= threads and now[1] <= files and now[2] <= tasks:
                return
            await asyncio.sleep(0.01)  # a thread that ends sets no event


async def run(app: web.Application) -> None:
    await app.startup()
    await app.shutdown()
    await app.cleanup()


@pytest.fixture
async def warm() -> None:
    """Start the threads of `asyncio.to_thread`, which the event loop keeps."""
    jobs = (os.cpu_count() or 1) + 4
    ready = threading.Barrier(jobs)
    await asyncio.gather(*(asyncio.to_thread(ready.wait) for _ in range(jobs)))


@pytest.mark.slow
async def test_a_start_and_a_stop_leave_nothing_behind(
    database_url: str, clock: FrozenClock, warm: None
) -> None:
    await run(application(database_url, clock))  # loads what is loaded once
    before = held()
    for _ in range(3):
        await run(application(database_url, clock))
    await holds_no_more_than(before)


@pytest.mark.slow
async def test_a_service_that_was_used_leaves_nothing_behind(
    start: Start, issuer: OidcIssuer, warm: None
) -> None:
    async def use() -> None:
        service = await start(issuer, **oidc(issuer))
        tokens = await asyncio.gather(
            *(service.log_in("acme", browser=service.new_browser()) for _ in range(4))
        )
        await asyncio.gather(*(service.check(token) for token in tokens))
        await service.stop()

    await use()
    before = held()[::2]
    await use()
    async with asyncio.timeout(5):
        while not (held()[0] <= before[0] and held()[2] <= before[1]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_an_application_that_is_only_made_opens_nothing(
    tmp_path: Path, clock: FrozenClock
) -> None:
    before = held()
    application(f"sqlite:///{tmp_path}/data/x.db", clock)
    assert held() == before
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - just whether


async def wrong_secret_key(database_url: str, clock: FrozenClock) -> web.Application:
    await run(application(database_url, clock, SECRET_KEY="a" * 40))
    return application(database_url, clock, SECRET_KEY="b" * 40)


async def newer_database(database_url: str, clock: FrozenClock) -> web.Application:
    database = Database(database_url, pool=1, timeout=20)
    async with database.write() as db:
        await db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await db.execute(text("UPDATE compatibility SET oldest = '9999'"))
    await database.close()
    return application(database_url, clock)


async def impossible_address(database_url: str, clock: FrozenClock) -> web.Application:
    return application("postgresql://ada:geheim@127.0.0.1:1/x?sslmode=off", clock)


async def refused_by(app: web.Application) -> str:
    with pytest.raises(StartRefused) as refused:
        await app.startup()
    await app.cleanup()
    return str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("broken", [wrong_secret_key, newer_database, impossible_address])
async def test_a_start_that_fails_closes_what_it_opened(
    database_url: str,
    clock: FrozenClock,
    warm: None,
    broken: Callable[[str, FrozenClock], Awaitable[web.Application]],
) -> None:
    await run(application(database_url, clock))
    await refused_by(await broken(database_url, clock))  # the loop opens /dev/null with the first
    app = await broken(database_url, clock)
    before = held()
    told = await refused_by(app)
    await holds_no_more_than(before)
    assert "\n" not in told
    assert "geheim" not in told


@pytest.mark.slow
async def test_a_start_that_is_cancelled_closes_what_it_opened(
    database_url: str, clock: FrozenClock, warm: None
) -> None:
    await run(application(database_url, clock))
    before = held()
    for turns in range(12):
        app = application(database_url, clock)
        starting = asyncio.create_task(app.startup())
        for _ in range(turns):
            await asyncio.sleep(0.001)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await app.cleanup()
    await holds_no_more_than(before)


async def test_it_is_ready_when_database_and_keys_are_there(service: Service) -> None:
    for path in ("/healthz", "/readyz"):
        answer = await service.browser.get(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.json() == {"status": "OK"}


async def test_many_applications_share_a_process(start: Start, issuer: OidcIssuer) -> None:
    """Nothing of one is in a global variable that another would find."""
    first, second = [await start(issuer, **oidc(issuer, name)) for name in ("first", "second")]
    assert set((await (await first.browser.get("/auth/check")).json())["providers"]) == {
        "first",
        "password",
    }
    assert set((await (await second.browser.get("/auth/check")).json())["providers"]) == {
        "second",
        "password",
    }
