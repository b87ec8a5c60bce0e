"""What is over is forgotten, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from dhq_auth.accounts.store import add_user, new_user
from dhq_auth.api_tokens import store as api_tokens
from dhq_auth.api_tokens.store import ENDED_KEPT, KEPT
from dhq_auth.audit import store as audit
from dhq_auth.db import Database, metadata
from dhq_auth.events import Source
from dhq_auth.housekeeping import BATCH, LASTING, keep_house, prune, rules
from dhq_auth.settings import from_environ
from dhq_auth.tokens.store import KEPT_LONGER
from dhq_auth.work import Transaction, Work
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import NEXT, FrozenClock, Start, oidc
from tests.storage.pruning import prune_all

RULES = rules(from_environ({}))
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PERISHABLE = (
    "login_attempts",
    "login_codes",
    "sessions",
    "api_tokens",
    "revocations",
    "rate_limits",
)
LOOKED_AT_AFTERWARDS = {"revocations": KEPT_LONGER, "api_tokens": KEPT}
"""For how long some rows stay though they are over."""


async def fill(work: Work, name: str, offsets: list[timedelta | None]) -> None:
    """Put rows into *name* that are over at these *offsets* from now."""
    now = work.now()
    async with work.database.write() as db:
        user = new_user(now)
        await add_user(db, user)
        rows: list[dict[str, Any]] = []
        for number, offset in enumerate(offsets):
            end = None if offset is None else now + offset
            row: dict[str, Any] = {
                column.name: f"{name}{number}"
                for column in metadata.tables[name].columns
                if not column.nullable and column.type.python_type is str
            }
            rows.append(
                row
                | {c.name: now for c in metadata.tables[name].columns if c.name.endswith("_at")}
                | ({"user_id": user.id} if "user_id" in row else {})
                | ({"kind": "jti"} if name == "revocations" else {})
                | ({"hits": 1} if name == "rate_limits" else {})
                | ({"keep_until": end} if name == "sessions" else {"expires_at": end})
            )
        await db.execute(insert(metadata.tables[name]), rows)


async def left(work: Work, name: str) -> int:
    async with work.read() as db:
        count: int = (await db.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one()  # noqa: S608
    return count


@asynccontextmanager
async def kept(work: Work, interval: float = 60) -> AsyncIterator[asyncio.Task[None]]:
    """Keep the house meanwhile."""
    house = asyncio.create_task(keep_house(work, from_environ({}), after=0.02, interval=interval))
    yield house
    house.cancel()
    await asyncio.gather(house, return_exceptions=True)


@pytest.mark.parametrize("name", PERISHABLE)
async def test_what_is_over_goes_and_what_is_not_stays(work: Work, name: str) -> None:
    over = LOOKED_AT_AFTERWARDS.get(name, timedelta(0))
    second = timedelta(seconds=1)
    offsets: list[timedelta | None] = [
        -over - second,
        -over - 1000 * second,
        -over + second,
        over + second,
    ]
    if name == "sessions":
        offsets.append(None)  # never ends
    await fill(work, name, offsets)
    assert await prune_all(work) == 2
    assert await left(work, name) == len(offsets) - 2
    assert await prune_all(work) == 0


async def test_a_token_without_end_is_forgotten_when_it_was_revoked_long_ago(
    work: Work, clock: FrozenClock
) -> None:
    async with work.database.write() as db:
        user = new_user(clock())
        await add_user(db, user)
        for title in ("revoked", "kept"):
            await api_tokens.add(db, user_id=user.id, title=title, now=clock())
        (first, _) = await api_tokens.tokens_of(db, user.id, 2)
        await api_tokens.revoke(db, clock(), user_id=user.id, token_id=first.id)
    clock.advance(days=30)
    assert await prune(work, RULES["api_tokens"]) == 0
    clock.advance(seconds=1)
    assert await prune(work, RULES["api_tokens"]) == 1
    assert await left(work, "api_tokens") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_goes_on_with_a_short_token_keeps_the_long_session(
    start: Start, issuer: OidcIssuer, work: Work, clock: FrozenClock
) -> None:
    service = await start(issuer, **oidc(issuer), LOGIN_TOKEN_LIFETIME="1h", SESSION_DURATION="7d")
    await service.log_in("acme")
    await service.browser.post("/login/continue", data={"next": NEXT})
    clock.advance(days=6)
    await prune_all(work)
    assert (await (await service.browser.get("/auth/check")).json())["authenticated"]


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_session_that_slides_stays_for_as_long_as_it_is_used(
    start: Start, issuer: OidcIssuer, work: Work, clock: FrozenClock
) -> None:
    service = await start(
        issuer,
        **oidc(issuer),
        LOGIN_TOKEN_LIFETIME="1h",
        SESSION_DURATION="2d",
        SESSION_SLIDING="on",
    )
    await service.log_in("acme")
    for _ in range(5):
        clock.advance(days=1)
        await prune_all(work)
        assert (await (await service.browser.get("/auth/check")).json())["authenticated"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("token_lives_longer", [True, False])
async def test_a_session_stays_while_its_cookie_or_a_token_of_it_may_live(
    start: Start, issuer: OidcIssuer, work: Work, clock: FrozenClock, *, token_lives_longer: bool
) -> None:
    long, short = ("LOGIN_TOKEN_LIFETIME", "SESSION_DURATION")[:: 1 if token_lives_longer else -1]
    service = await start(issuer, **oidc(issuer), **{long: "14d", short: "1d"})
    token = await service.log_in("acme")
    clock.advance(days=13)
    await prune_all(work)
    by_cookie = await (await service.browser.get("/auth/check")).json()
    assert by_cookie["authenticated"] is not token_lives_longer
    assert (await service.check(token))["authenticated"] is token_lives_longer
    clock.advance(days=1, minutes=2)
    await prune_all(work)
    assert await left(work, "sessions") == 0


@ON_SQLITE
async def test_much_goes_in_small_transactions_and_others_write_in_between(work: Work) -> None:
    await fill(work, "login_attempts", [timedelta(seconds=-1)] * (2 * BATCH + 1))
    pruning = asyncio.create_task(prune(work, RULES["login_attempts"]))
    seen = set()

    async def look(tx: Transaction) -> int:
        found = await tx.db.execute(text("SELECT count(*) FROM login_attempts"))
        number: int = found.scalar_one()
        return number

    while not pruning.done():
        seen.add(await work.transact(Source(), look))
    assert await pruning == 2 * BATCH + 1
    assert {BATCH + 1, 1} & seen  # a writer came between two batches


async def test_replicas_prune_at_the_same_time(work: Work) -> None:
    for name in PERISHABLE:
        await fill(work, name, [timedelta(days=-31)] * 200)
    await asyncio.gather(*(prune_all(work) for _ in range(4)))
    await prune_all(work)
    assert [await left(work, name) for name in PERISHABLE] == [0] * len(PERISHABLE)


async def test_the_house_is_kept_soon_after_the_start(work: Work) -> None:
    await fill(work, "sessions", [timedelta(days=-1)] * (BATCH + 1))
    async with kept(work):
        async with asyncio.timeout(10):
            while await left(work, "sessions"):  # noqa: ASYNC110 - the database has no event
                await asyncio.sleep(0.01)


@pytest.mark.slow
@ON_SQLITE
async def test_a_table_that_cannot_be_pruned_is_told_once_and_keeps_no_other_from_it(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(work, "rate_limits", [timedelta(days=-1)])

    async def damage(tx: Transaction) -> None:
        await tx.db.execute(text("ALTER TABLE sessions RENAME COLUMN keep_until TO kept"))

    await work.transact(Source(), damage)
    async with kept(work, interval=0.01):
        async with asyncio.timeout(10):
            while await left(work, "rate_limits"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [
        "what is over in sessions cannot be forgotten"
    ]


async def test_a_house_without_a_database_is_kept_later(
    clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def announce(_event: object) -> None:
        return None

    away = Database("postgresql://ada@127.0.0.1:1/x", pool=1, timeout=5)
    async with kept(Work(away, clock, announce)) as house:
        async with asyncio.timeout(20):
            while "put off" not in caplog.text:  # noqa: ASYNC110 - nor has the log
                await asyncio.sleep(0.01)
        assert not house.done()
    await away.close()
    assert caplog.text.count("put off") == 1


@ON_SQLITE
async def test_every_table_has_a_rule_or_a_reason_to_have_none(work: Work) -> None:
    """Whoever adds a table says there when its rows go."""
    async with work.read() as db:
        found = await db.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
    tables = {name for (name,) in found if not name.startswith("sqlite_")}
    assert {*RULES, *LASTING, "alembic_version"} == tables
    assert not RULES.keys() & LASTING.keys()


@ON_SQLITE
@pytest.mark.slow
async def test_who_makes_and_revokes_tokens_for_ever_fills_no_table(
    work: Work, clock: FrozenClock
) -> None:
    async def make_and_revoke(tx: Transaction) -> None:
        user = new_user(tx.now)
        await add_user(tx.db, user)
        for _ in range(2 * ENDED_KEPT):
            clock.advance(seconds=1)
            await api_tokens.add(tx.db, user_id=user.id, title="x", now=clock.now)
            await api_tokens.revoke(tx.db, clock.now, user_id=user.id)

    await work.transact(Source(), make_and_revoke)
    assert await left(work, "api_tokens") == ENDED_KEPT + 1


@ON_SQLITE
async def test_beyond_the_bound_the_session_ends_that_began_first(
    start: Start, issuer: OidcIssuer, clock: FrozenClock, work: Work
) -> None:
    service = await start(issuer, **oidc(issuer), MAX_SESSIONS="2")
    tokens = []
    for _ in range(4):
        tokens.append(await service.log_in("acme", browser=service.new_browser()))
        clock.advance(seconds=1)
    known = [(await service.check(token))["authenticated"] for token in tokens]
    assert known == [False, False, True, True]
    assert await left(work, "sessions") == 2
    async with work.read() as db:
        kinds = [row["kind"] for row in reversed(await audit.latest(db, 10))]
    assert kinds.count("logout") == 2
    assert kinds[-2:] == ["logout", "login.succeeded"]
