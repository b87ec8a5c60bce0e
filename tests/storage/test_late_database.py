"""The start while the database is away: what is answered meanwhile, and when it is ready."""

import asyncio
import logging
import os
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import text

from dhq_auth import starting
from dhq_auth.app import create_app
from dhq_auth.db import Database
from dhq_auth.errors import StartRefused
from dhq_auth.serving.server import Runner
from dhq_auth.settings import from_environ
from dhq_auth.tokens.key import new_private_key, private_pem
from dhq_auth.web.life import LIFE
from tests.fakes.postgres import PASSWORD, PostgresServer
from tests.fakes.proxy import Proxy
from tests.fakes.refusing_postgres import RefusingPostgres
from tests.fixtures.process import ServedProcess
from tests.fixtures.service import CHEAP, Browser, FrozenClock
from tests.storage.conftest import TIMEOUT

PATIENCE = 60.0
GIVING_UP = 3.0
"""Seconds that the driver may need to give up a connection that hangs."""
AIM = 4.0
"""Seconds after which a service is ready whose database has come; 10 are allowed."""

pytestmark = pytest.mark.slow


class Late:
    """A service that listens, whatever its database does."""

    def __init__(self, app: web.Application, runner: Runner, browser: Browser) -> None:
        self.app = app
        self.browser = browser
        self.stop = runner.cleanup

    async def status(self, path: str, **headers: str) -> int:
        return (await self.browser.get(path, headers=headers)).status

    async def ready(self) -> float:
        """Wait until it says that it is ready; return the seconds."""
        begun = time.monotonic()
        async with asyncio.timeout(10):
            while await self.status("/readyz") != 200:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        return time.monotonic() - begun


StartLate = Callable[..., Awaitable[Late]]


@pytest.fixture
async def start_late(
    clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[StartLate]:
    """A function that starts a service on a database that may not be there."""
    monkeypatch.chdir(tmp_path)  # where the setup code goes
    async with AsyncExitStack() as stack:

        async def begin(url: str, **environ: str) -> Late:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            address = f"http://localhost:{listener.getsockname()[1]}"
            settings = from_environ(
                {
                    "DATABASE_URL": url,
                    "EXTERNAL_ADDRESS": address,
                    "DATABASE_TIMEOUT": str(TIMEOUT),
                    **environ,
                }
            )
            app = create_app(settings, now=clock, password_cost=CHEAP)
            runner = Runner(app, settings.limits)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.SockSite(runner, listener).start()
            return Late(app, runner, await stack.enter_async_context(Browser(address)))

        yield begin


@pytest.fixture
def proxied(proxy: Proxy, postgres: PostgresServer, postgres_url: str) -> tuple[Proxy, str]:
    """A proxy, and the DATABASE_URL of an empty database behind it."""
    return proxy, postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/")


async def cut(proxy: Proxy) -> Callable[[], Awaitable[None]]:
    await proxy.cut()
    return proxy.mend


async def hang(proxy: Proxy) -> Callable[[], Awaitable[None]]:
    proxy.hang()

    async def let_go() -> None:
        proxy.let_go()

    return let_go


@pytest.mark.parametrize("fault", [cut, hang])
async def test_a_service_whose_database_is_away_listens_and_is_ready_when_it_comes(
    start_late: StartLate,
    proxied: tuple[Proxy, str],
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[Proxy], Awaitable[Callable[[], Awaitable[None]]]],
    tmp_path: Path,
) -> None:
    proxy, url = proxied
    mend = await fault(proxy)
    begun = time.monotonic()
    with caplog.at_level(logging.INFO, "dhq_auth.starting"):
        late = await start_late(url)
        assert time.monotonic() - begun < starting.REACH + 3
        await asyncio.sleep(2 * starting.PAUSE)
        for path in ("/healthz", "/openapi.json", "/auth/status", "/static/pages.css"):
            assert await late.status(path) == 200, path
        assert await late.status("/no/such/route") == 404
        for path in ("/readyz", "/auth/check", "/auth/public-key", "/.well-known/jwks.json"):
            refused = await late.browser.get(path, headers={"Auth-Token": "e30.e30.AAAA"})
            assert refused.status == 503, path
            assert int(refused.headers["Retry-After"]) > 0
            assert (await refused.json())["code"] == "unavailable"
        page = await late.browser.get("/login", headers={"Accept": "text/html"})
        assert (page.status, page.content_type) == (503, "text/html")
        assert len(caplog.records) == 1  # once a minute
        assert PASSWORD not in caplog.text
        await mend()
        assert await late.ready() < AIM
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert (await (await late.browser.get("/auth/check")).json())["reason"] == "missing"
    assert (await late.browser.get("/auth/public-key")).status == 200
    assert "dhq-auth.setup-code" in os.listdir(tmp_path)  # noqa: PTH208 - just whether


async def test_the_public_key_of_the_environment_needs_no_database(start_late: StartLate) -> None:
    """Published verifiers read it once, and it is all that they need."""
    pem = private_pem(new_private_key())
    late = await start_late("postgresql://ada@127.0.0.1:1/x", PRIVATE_KEY=pem)
    assert await late.status("/auth/public-key") == 200
    assert await late.status("/.well-known/jwks.json") == 503  # those in the database are missing


async def test_what_waits_is_stopped_at_once(
    start_late: StartLate, proxied: tuple[Proxy, str]
) -> None:
    proxy, url = proxied
    proxy.hang()
    late = await start_late(url)
    begun = time.monotonic()
    await late.stop()
    assert time.monotonic() - begun < 1 + GIVING_UP
    assert late.app[LIFE].stopping.is_set()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("57P03", "the database system is starting up"),
        ("53300", "sorry, too many clients already"),
    ],
)
async def test_a_server_that_is_not_yet_for_us_is_waited_for(
    start_late: StartLate, postgres: PostgresServer, postgres_url: str, state: str, said: str
) -> None:
    async with RefusingPostgres(state, said) as refusing:
        url = postgres_url.replace(f":{postgres.port}/", f":{refusing.port}/")
        late = await start_late(url)
        assert await late.status("/readyz") == 503
    proxy = Proxy(postgres.port)
    proxy.port = refusing.port
    async with proxy:
        assert await late.ready() < AIM
        await late.stop()


async def test_a_name_that_is_not_known_yet_is_waited_for(start_late: StartLate) -> None:
    late = await start_late("postgresql://ada:geheim@database.invalid/x")
    assert await late.status("/readyz") == 503
    assert await late.status("/healthz") == 200


async def test_replicas_that_waited_for_an_empty_database_all_come_up(
    start_late: StartLate, proxied: tuple[Proxy, str]
) -> None:
    proxy, url = proxied
    await proxy.cut()
    replicas = [await start_late(url) for _ in range(3)]
    await proxy.mend()
    for replica in replicas:
        await replica.ready()
    keys = [await (await each.browser.get("/auth/public-key")).text() for each in replicas]
    assert len(set(keys)) == 1


async def test_an_sqlite_database_that_somebody_writes_to_is_waited_for(
    start_late: StartLate, tmp_path: Path
) -> None:
    path = tmp_path / "dhq-auth.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        late = await start_late(f"sqlite:///{path}")
        assert await late.status("/readyz") == 503
        other.execute("ROLLBACK")
    assert await late.ready() < AIM


async def test_a_mistake_that_is_found_when_the_database_comes_ends_the_start(
    start_late: StartLate, proxied: tuple[Proxy, str]
) -> None:
    proxy, url = proxied
    await proxy.cut()
    late = await start_late(url.replace(PASSWORD, "geheim"))
    await proxy.mend()
    with pytest.raises(StartRefused, match="password authentication failed") as refused:
        async with asyncio.timeout(10):
            await late.app[LIFE].begun()
    assert "geheim" not in str(refused.value)
    assert await late.status("/readyz") == 503


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Callable[..., ServedProcess]]:
    """A function that gives a process with the given variables, not yet started."""
    async with AsyncExitStack() as stack:

        def new(**environ: str) -> ServedProcess:
            process = ServedProcess(tmp_path, environ)
            stack.push_async_callback(process.close)
            return process

        yield new


async def says(process: ServedProcess, word: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        while word not in process.log:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)


@pytest.mark.process
async def test_a_process_that_waited_says_once_why_it_cannot_go_on(
    process: Callable[..., ServedProcess], proxied: tuple[Proxy, str], postgres: PostgresServer
) -> None:
    proxy, url = proxied
    name = url.rpartition("/")[2]
    postgres.execute("CREATE TABLE users (id integer)", name)  # somebody else's
    await proxy.cut()
    waiting = process(DATABASE_URL=url, WORKERS="2")
    await waiting.start()
    await says(waiting, b"waiting for the database")
    assert (await waiting.program.get("/healthz")).status == 200
    await proxy.mend()
    assert await waiting.ended() == 1
    last = waiting.log.splitlines()[-1]
    assert last.startswith(b"DATABASE_URL: ")
    assert waiting.log.count(b"not that of dhq-auth") == 1
    assert b"Traceback" not in waiting.log


@pytest.mark.process
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_process_that_waits_ends_in_good_order_when_told(
    process: Callable[..., ServedProcess], workers: str
) -> None:
    waiting = process(DATABASE_URL="postgresql://ada@127.0.0.1:1/x", WORKERS=workers)
    await waiting.start()
    await says(waiting, b"waiting for the database")
    assert await waiting.stop() == 0


async def start_error(clock: FrozenClock, url: str) -> str:
    app = create_app(
        from_environ({"DATABASE_URL": url, "DATABASE_TIMEOUT": str(TIMEOUT)}), now=clock
    )
    app.freeze()
    with pytest.raises(StartRefused) as refused:
        await app.startup()
    await app.cleanup()
    return str(refused.value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({PASSWORD: "wrong"}, "password authentication failed"),
        ({"/postgres?": "/absent?"}, 'database "absent" does not exist'),
        ({"?": "?sslmode=require"}, "SSL"),
        ({"?": "?sslmode=none"}, "sslmode"),
        ({"?": "?no_such_option=1"}, "no_such_option"),
    ],
)
async def test_what_postgresql_refuses_for_good_ends_the_start(
    clock: FrozenClock, postgres: PostgresServer, change: dict[str, str], why: str
) -> None:
    url = f"{postgres.url('postgres')}?"
    for old, new in change.items():
        url = url.replace(old, new)
    said = await start_error(clock, url)
    assert said.startswith("DATABASE_URL: postgresql://postgres:***@")
    assert why in said
    assert "\n" not in said


async def test_a_user_who_may_make_no_tables_ends_the_start(
    clock: FrozenClock, postgres: PostgresServer, postgres_url: str
) -> None:
    """As on PostgreSQL 15 and later, for who is not the owner of the database."""
    name = postgres_url.rpartition("/")[2]
    postgres.execute(
        f"CREATE USER {name}_user PASSWORD 'geheim'; REVOKE CREATE ON SCHEMA public FROM public",
        name,
    )
    said = await start_error(
        clock, postgres_url.replace("//postgres:", f"//{name}_user:").replace(PASSWORD, "geheim")
    )
    assert "permission denied for schema public" in said
    assert "geheim" not in said


async def test_a_file_that_is_no_database_is_named(clock: FrozenClock, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("This is a text, and long enough to be looked at as a database. " * 40)
    said = await start_error(clock, f"sqlite:///{path}")
    assert said == f"DATABASE_URL: sqlite:///{path} cannot be used: file is not a database"


async def test_a_folder_that_cannot_be_made_is_named(clock: FrozenClock, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = await start_error(clock, f"sqlite:///{tmp_path}/file/data/x.db")
    assert said.startswith(f"DATABASE_URL: sqlite:///{tmp_path}/file/data/x.db cannot be used: ")
    assert "Not a directory" in said


@pytest.mark.process
async def test_a_first_start_that_is_killed_leaves_nothing_half_done(
    process: Callable[..., ServedProcess], empty_url: str
) -> None:
    """Wherever it is cut off: the next one makes what is missing, and nothing twice."""
    starting = process(DATABASE_URL=empty_url, SECRET_KEY="s" * 32)
    for moment in (0.8, 1.1):
        begun = asyncio.create_task(starting.start())
        await asyncio.wait({begun}, timeout=moment)
        await starting.kill()
        await asyncio.gather(begun, return_exceptions=True)
    await starting.start()
    assert (await starting.program.get("/readyz")).status == 200
    database = Database(empty_url, pool=1, timeout=10)
    async with database.read() as db:
        found = await db.execute(
            text("SELECT purpose, count(*) FROM signing_keys GROUP BY purpose")
        )
        assert sorted(map(tuple, found)) == [("login", 1), ("service", 1)]
        assert (await db.execute(text("SELECT count(*) FROM secrets"))).scalar_one() == 1
    await database.close()
