"""REL-10 in one process: the time of day leaps forward by a day, or is set back."""

from datetime import UTC, datetime, timedelta

import jwt as pyjwt
import pytest

from dhq_auth.work import Work
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock, Service, Start, oidc
from tests.self_service.people import GOOD, Person, is_known, logged_in, registered
from tests.storage.pruning import prune_all

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
WRONG = {"username": "alice", "password": "not the password of anybody"}
DAY, HALF_AN_HOUR = {"days": 1}, {"minutes": -30}


async def visit(service: Service, name: str) -> Person:
    """Do what people do; each answer must be what it is on any other day."""
    person = await logged_in(service, name)
    assert await is_known(service, person.token)
    status, granted = await person.call("GET", "/auth/authorize?service=tests.storage.everything")
    assert status == 200
    claims = pyjwt.decode(granted["token"], options={"verify_signature": False})
    now = service.clock.now
    assert "nbf" not in claims
    assert (
        datetime.fromtimestamp(claims["iat"], UTC)
        <= now
        < datetime.fromtimestamp(claims["exp"], UTC)
    )
    made = await person.make_token()
    assert await is_known(service, made["token"])
    begun = await service.program.get("/auth/login/acme", params={"next": "http://localhost:3000"})
    assert begun.status == 302
    return person


@pytest.fixture
async def service(start: Start, issuer: OidcIssuer) -> Service:
    service = await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES="tests.storage.everything",
        LOGIN_TOKEN_LIFETIME="12h",
        SESSION_DURATION="12h",
    )
    await registered(service, "alice")
    return service


@pytest.mark.parametrize("jump", [DAY, HALF_AN_HOUR], ids=["a-day-ahead", "half-an-hour-back"])
async def test_people_come_and_go_as_before(
    service: Service, clock: FrozenClock, jump: dict[str, float]
) -> None:
    await visit(service, "alice")
    clock.advance(**jump)
    await visit(service, "alice")
    clock.advance(**{unit: -amount for unit, amount in jump.items()})
    await visit(service, "alice")
    assert (await service.program.get("/readyz")).status == 200


async def test_a_day_ahead_all_is_over_and_cleaned_up(
    service: Service, clock: FrozenClock, work: Work
) -> None:
    alice = await visit(service, "alice")
    clock.advance(days=1)
    assert (await service.check(alice.token))["reason"] == "expired"
    assert not (await (await alice.browser.get("/auth/check")).json())["authenticated"]
    await prune_all(work)
    async with work.read() as db:
        for table in ("sessions", "login_attempts", "login_codes", "rate_limits"):
            left = await db.exec_driver_sql(f"SELECT count(*) FROM {table}")  # noqa: S608
            assert left.scalar_one() == 0, table


async def test_set_back_a_token_of_the_future_is_refused_for_no_longer_than_the_jump(
    service: Service, clock: FrozenClock
) -> None:
    alice = await visit(service, "alice")
    clock.advance(seconds=-30)  # CLOCK_LEEWAY
    assert await is_known(service, alice.token)
    clock.advance(minutes=-30)
    bob = await registered(service, "bob")  # nobody has to wait to come in
    assert await is_known(service, bob.token)
    clock.advance(minutes=30, seconds=30)
    assert await is_known(service, alice.token)


@pytest.mark.parametrize("back", [timedelta(minutes=30), timedelta(days=1)])
async def test_set_back_who_was_refused_for_guessing_waits_no_longer_than_two_windows(
    service: Service, clock: FrozenClock, back: timedelta
) -> None:
    for _ in range(6):
        refused = await service.program.post("/auth/login", json=WRONG)
    assert refused.status == 429
    clock.now -= back
    refused = await service.program.post("/auth/login", json=WRONG)
    waited = refused.headers.get("Retry-After", "0")
    assert int(waited) <= timedelta(minutes=30).total_seconds()
    clock.advance(seconds=int(waited))
    right = {"username": "alice", "password": GOOD}
    assert (await service.program.post("/auth/login", json=right)).status == 200


async def test_set_back_the_rates_of_this_process_do_not_freeze(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, **oidc(issuer), LOGIN_STARTS="2")
    statuses = [(await service.browser.get("/auth/login/acme")).status for _ in range(3)]
    assert statuses == [302, 302, 429]
    clock.advance(days=-1)
    assert (await service.browser.get("/auth/login/acme")).status == 302
