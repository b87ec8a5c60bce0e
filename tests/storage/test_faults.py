"""What becomes of requests while the database is away, hangs, is locked or full."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing

import asyncpg  # type: ignore[import-untyped]
import pytest
from aiohttp import ClientResponse

from dhq_auth.db import Database
from dhq_auth.errors import Unavailable
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.postgres import PostgresServer
from tests.fakes.proxy import Proxy
from tests.fixtures.service import Service, Start, oidc
from tests.storage.conftest import TIMEOUT

RECOVERY = 5.0
GIVING_UP = 3.0
"""Seconds that the driver may need beyond the deadline to give up a connection that hangs."""

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = [
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


def on(postgres_test: object) -> object:
    for mark in on_postgresql:
        postgres_test = mark(postgres_test)  # type: ignore[operator]
    return postgres_test


@pytest.fixture
async def behind_proxy(
    proxy: Proxy, database_url: str, start: Start, issuer: OidcIssuer, postgres: PostgresServer
) -> AsyncIterator[tuple[Service, str]]:
    """A service whose database is behind the proxy, and a login token of it."""
    url = database_url.replace(f":{postgres.port}/", f":{proxy.port}/")
    service = await start(
        issuer,
        **oidc(issuer),
        DATABASE_URL=url,
        DATABASE_TIMEOUT=str(TIMEOUT),
        DATABASE_POOL="2",
        ALLOWED_SERVICES="tests.storage.everything",
    )
    yield service, await service.log_in("acme")
    proxy.let_go()
    await service.stop()


async def ask(service: Service, path: str, token: str | None = None) -> ClientResponse:
    headers = {"Auth-Token": token} if token else {}
    answer = await service.browser.get(path, headers=headers)
    await answer.read()
    return answer


async def assert_unavailable(answer: ClientResponse) -> None:
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    problem = await answer.json()
    assert problem["code"] == "unavailable"
    assert "authenticated" not in problem


async def seconds_until_known(service: Service, token: str) -> float:
    begun = time.monotonic()
    while (await ask(service, "/auth/check", token)).status != 200:
        assert time.monotonic() < begun + RECOVERY, "still away"
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


@on
async def test_a_database_that_goes_away_is_no_denial_and_comes_back(
    behind_proxy: tuple[Service, str], proxy: Proxy
) -> None:
    service, token = behind_proxy
    await proxy.cut()
    await assert_unavailable(await ask(service, "/auth/check", token))
    await assert_unavailable(await ask(service, "/auth/authorize?service=x", token))
    await assert_unavailable(await ask(service, "/auth/login/acme"))
    assert (await ask(service, "/readyz")).status == 503
    assert (await ask(service, "/healthz")).status == 200
    assert (await ask(service, "/auth/public-key")).status == 200
    without = await (await service.new_browser().get("/auth/check")).json()
    assert without["reason"] == "missing"  # nobody need be asked for that
    await proxy.mend()
    assert await seconds_until_known(service, token) < RECOVERY
    assert (await ask(service, "/readyz")).status == 200


@on
async def test_a_server_that_was_restarted_costs_no_request(
    behind_proxy: tuple[Service, str], proxy: Proxy
) -> None:
    service, token = behind_proxy
    await proxy.cut()
    await proxy.mend()
    answers = await asyncio.gather(*(ask(service, "/auth/check", token) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5


@on
async def test_with_a_database_that_hangs_every_request_ends_by_its_deadline(
    behind_proxy: tuple[Service, str], proxy: Proxy
) -> None:
    service, token = behind_proxy
    proxy.hang()
    begun = time.monotonic()
    hanging = asyncio.gather(*(ask(service, "/auth/check", token) for _ in range(8)))
    for path in ("/healthz", "/auth/public-key", "/.well-known/jwks.json"):
        before = time.monotonic()
        assert (await ask(service, path)).status == 200
        assert time.monotonic() - before < 0.3
    for answer in await hanging:
        await assert_unavailable(answer)
    assert time.monotonic() - begun < TIMEOUT + GIVING_UP
    proxy.let_go()
    assert await seconds_until_known(service, token) < RECOVERY


@on
async def test_no_connection_is_leaked_by_faults(
    behind_proxy: tuple[Service, str], proxy: Proxy
) -> None:
    service, token = behind_proxy
    proxy.hang()
    await asyncio.gather(*(ask(service, "/auth/check", token) for _ in range(8)))
    proxy.let_go()
    await seconds_until_known(service, token)
    await asyncio.gather(*(ask(service, "/auth/check", token) for _ in range(8)))
    assert proxy.connections <= service.settings.limits.database_pool
    await service.stop()
    async with asyncio.timeout(RECOVERY):
        while proxy.connections:  # noqa: ASYNC110 - the server's side, not ours, ends them
            await asyncio.sleep(0.01)


@on
async def test_a_backend_that_was_terminated_is_replaced(
    service: Service, postgres: PostgresServer
) -> None:
    token = await service.log_in("acme")
    name = service.settings.database_url.value.rpartition("/")[2]
    others = f"FROM pg_stat_activity WHERE datname = '{name}'"
    postgres.execute(f"SELECT pg_terminate_backend(pid) {others}")
    while int(postgres.execute(f"SELECT count(*) {others}")):
        pass
    for _ in range(10):  # the loop was held up by psql, and has yet to hear of it
        await asyncio.sleep(0)
    assert (await service.check(token))["authenticated"] is True


@pytest.mark.parametrize("statement", ["SELECT 1", "SELECT pg_sleep(30)"])
@on
async def test_cancelled_reads_leave_the_pool_whole(database_url: str, statement: str) -> None:
    from sqlalchemy import text  # noqa: PLC0415

    database = Database(database_url, pool=2, timeout=10)

    async def read() -> None:
        async with database.read() as db:
            await db.execute(text(statement))

    for turns in range(6):
        tasks = [asyncio.create_task(read()) for _ in range(4)]
        for _ in range(turns * 3):
            await asyncio.sleep(0.002)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(5):
        await asyncio.gather(*(database.ping() for _ in range(4)))
    await database.close()


@on_sqlite
async def test_cancelled_writes_leave_sqlite_unlocked(database: Database) -> None:
    from sqlalchemy import text  # noqa: PLC0415

    async def write() -> None:
        async with database.write() as db:
            await db.execute(text("CREATE TABLE never (id INTEGER)"))
            await asyncio.Event().wait()

    for turns in range(5):
        task = asyncio.create_task(write())
        for _ in range(turns * 3):
            await asyncio.sleep(0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(5), database.write() as db:
        await db.execute(text("CREATE TABLE never (id INTEGER)"))


@pytest.mark.slow
@on_sqlite
async def test_sqlite_locked_by_another_process_is_waited_for_then_503(
    start: Start, issuer: OidcIssuer, database_url: str
) -> None:
    service = await start(issuer, **oidc(issuer), DATABASE_TIMEOUT=str(TIMEOUT))
    token = await service.log_in("acme")
    path = database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answers = await asyncio.gather(*(ask(service, "/auth/login/acme") for _ in range(4)))
        for answer in answers:
            await assert_unavailable(answer)
        assert (await service.check(token))["authenticated"] is True  # readers do not wait
        other.execute("ROLLBACK")
    assert (await ask(service, "/auth/login/acme")).status == 302


@on_sqlite
async def test_made_up_states_and_codes_do_not_queue_for_the_lock_of_sqlite(
    start: Start, issuer: OidcIssuer, database_url: str
) -> None:
    """Anybody can send them, as many as they like; logins would wait behind them."""
    service = await start(issuer, **oidc(issuer), DATABASE_TIMEOUT=str(TIMEOUT))
    path = database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        state = await ask(service, f"/auth/oauth_callback?state={'A' * 43}&code=x")
        guess = {"code": "A" * 43, "code_verifier": "A" * 43}
        code = await service.browser.post("/auth/exchange", json=guess)
    assert [state.status, code.status] == [400, 400]


@on_sqlite
@pytest.mark.slow
async def test_a_lock_that_is_soon_gone_is_only_a_wait(service: Service, database_url: str) -> None:
    path = database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        login = asyncio.create_task(ask(service, "/auth/login/acme"))
        await asyncio.sleep(0.2)
        other.execute("COMMIT")
    assert (await login).status == 302


@on_sqlite
async def test_a_full_disk_stops_writes_only_and_is_over_when_there_is_room(
    service: Service, database_url: str
) -> None:
    token = await service.log_in("acme")
    database = Database(database_url, pool=1, timeout=5)
    async with database.read() as db:
        pages = (await db.exec_driver_sql("PRAGMA page_count")).scalar_one()

    async def fill() -> None:
        async with database.write() as db:
            await db.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            await db.exec_driver_sql("CREATE TABLE filler AS SELECT randomblob(1000000)")

    with pytest.raises(Unavailable):  # SQLITE_FULL
        await fill()
    assert (await service.check(token))["authenticated"] is True
    await database.close()


@on
async def test_an_exhausted_pool_is_503_and_no_deadlock(database_url: str) -> None:
    database = Database(database_url, pool=1, timeout=0.3)

    async def hold() -> None:
        async with database.read():
            await asyncio.Event().wait()

    begun = time.monotonic()
    ended = await asyncio.gather(*(hold() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in ended] == [Unavailable] * 5
    assert time.monotonic() - begun < 5 * 0.3 + 1
    await database.ping()
    await database.close()


@pytest.mark.slow
@on
async def test_slow_statements_that_take_every_connection_are_503_for_who_waits_and_harm_nobody_else(
    start: Start, postgres: PostgresServer, database_url: str
) -> None:
    service = await start(DATABASE_POOL="2", DATABASE_TIMEOUT=str(TIMEOUT))
    name = database_url.rpartition("/")[2]
    blocker = await asyncpg.connect(postgres.url(name))
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        asking = [
            asyncio.create_task(service.program.get("/auth/resolve?username=ada"))
            for _ in range(20)
        ]
        for path in ("/healthz", "/auth/public-key", "/.well-known/jwks.json", "/auth/check"):
            assert (await service.browser.get(path)).status == 200
        for answer in await asyncio.gather(*asking):
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() - begun < TIMEOUT + GIVING_UP
    await blocker.close()
    assert (await service.program.get("/auth/resolve?username=ada")).status == 200


async def test_a_fault_is_logged_once_a_minute_and_without_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    database = Database("postgresql://ada:geheim@127.0.0.1:1/x", pool=1, timeout=5)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await database.ping()
    assert len(caplog.records) == 1
    assert "[Errno 111]" in caplog.text
    assert "geheim" not in caplog.text
    await database.close()
