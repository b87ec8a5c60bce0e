"""What is over is forgotten, and nothing else."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from dhq_auth import housekeeping
from dhq_auth.accounts.store import add_user, new_user
from dhq_auth.api_tokens import store as api_tokens
from dhq_auth.api_tokens.store import KEPT
from dhq_auth.db import Database, metadata
from dhq_auth.housekeeping import BATCH, prune
from dhq_auth.tokens.store import KEPT_LONGER
from dhq_auth.work import Work
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import NEXT, FrozenClock, Start, oidc

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
    assert await prune(work) == 2
    assert await left(work, name) == len(offsets) - 2
    assert await prune(work) == 0


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
    assert await prune(work) == 0
    clock.advance(seconds=1)
    assert await prune(work) == 1
    assert await left(work, "api_tokens") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_goes_on_with_a_short_token_keeps_the_long_session(
    start: Start, issuer: OidcIssuer, work: Work, clock: FrozenClock
) -> None:
    service = await start(issuer, **oidc(issuer), LOGIN_TOKEN_LIFETIME="1h", SESSION_DURATION="7d")
    await service.log_in("acme")
    await service.browser.post("/login/continue", data={"next": NEXT})
    clock.advance(days=6)
    await prune(work)
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
        await prune(work)
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
    await prune(work)
    by_cookie = await (await service.browser.get("/auth/check")).json()
    assert by_cookie["authenticated"] is not token_lives_longer
    assert (await service.check(token))["authenticated"] is token_lives_longer
    clock.advance(days=1, minutes=2)
    await prune(work)
    assert await left(work, "sessions") == 0


async def test_a_transaction_forgets_one_batch_and_the_next_the_rest(work: Work) -> None:
    await fill(work, "login_attempts", [timedelta(seconds=-1)] * (BATCH + 1))
    assert await prune(work) == BATCH
    assert await prune(work) == 1


async def test_replicas_prune_at_the_same_time(work: Work) -> None:
    for name in PERISHABLE:
        await fill(work, name, [timedelta(days=-31)] * 200)
    await asyncio.gather(*(prune(work) for _ in range(4)))
    await prune(work)
    assert [await left(work, name) for name in PERISHABLE] == [0] * len(PERISHABLE)


async def test_the_house_is_kept_soon_after_the_start(work: Work) -> None:
    await fill(work, "sessions", [timedelta(days=-1)] * (BATCH + 1))
    house = asyncio.create_task(housekeeping.keep_house(work, after=0.05))
    async with asyncio.timeout(10):
        while await left(work, "sessions"):  # noqa: ASYNC110 - the database has no event
            await asyncio.sleep(0.01)
    house.cancel()
    await asyncio.gather(house, return_exceptions=True)


async def test_a_house_without_a_database_is_kept_later(
    clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def announce(_event: object) -> None:
        return None

    away = Database("postgresql://ada@127.0.0.1:1/x", pool=1, timeout=5)
    house = asyncio.create_task(housekeeping.keep_house(Work(away, clock, announce), after=0))
    async with asyncio.timeout(5):
        while "put off" not in caplog.text:  # noqa: ASYNC110 - nor has the log
            await asyncio.sleep(0.01)
    assert not house.done()
    house.cancel()
    await asyncio.gather(house, return_exceptions=True)
    await away.close()
