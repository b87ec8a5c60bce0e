"""REL-04, REL-05, REL-06: a login provider that is slow, down, lies, or changes its keys."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from tests.fakes import faults
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import Fault, Handler
from tests.faults.journey import log_in
from tests.faults.stage import Stage
from tests.fixtures.service import CALLBACK

CALLS = 5
"""Calls in flight to one provider."""
PATIENCE = 3
"""REMOTE_LOGIN_TIMEOUT, which is 15 seconds by default."""
GIVING_UP = 1.5
"""Seconds beyond it, on a machine that does much else."""
CROWD = 30
LOGINS = 100
NONSENSE: dict[str, Fault] = {
    "500": faults.server_error,
    "garbage": faults.garbage,
    "html": faults.html,
    "deep": faults.deep,
    "reset": faults.reset,
    "truncated": faults.truncated,
    "bomb": faults.bomb,
}

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def two_providers(acme: OidcIssuer, other: OidcIssuer) -> dict[str, str]:
    """Return the variables that turn both on, with bounds that a test can wait for."""
    named = {"ACME": acme, "OTHER": other}
    return {
        "OIDC_PROVIDERS": "acme;other",
        **{f"OIDC_{name}_ISSUER": issuer.url for name, issuer in named.items()},
        **{f"OIDC_{name}_KEY": issuer.client.id for name, issuer in named.items()},
        **{f"OIDC_{name}_SECRET": issuer.client.secret or "" for name, issuer in named.items()},
        "REMOTE_CALLS": str(CALLS),
        "REMOTE_LOGIN_TIMEOUT": str(PATIENCE),
        "JWKS_COOLDOWN": "1",
    }


class Hanging:
    """Let calls hang, and count them."""

    def __init__(self) -> None:
        self.now = 0

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.now += 1
        return await faults.hang(request, handler)

    async def are(self, many: int) -> None:
        """Wait until there are so many."""
        async with asyncio.timeout(20):
            while self.now < many:  # noqa: ASYNC110 - counted by another server's tasks
                await asyncio.sleep(0.01)


@pytest.fixture
async def on(
    stage: Callable[..., Stage], issuer: OidcIssuer, other_issuer: OidcIssuer, database_url: str
) -> Stage:
    """A service with two providers, and some people who have accounts of ours."""
    made = stage(1, DATABASE_URL=database_url, **two_providers(issuer, other_issuer))
    for each in (issuer, other_issuer):
        each.client.redirect_uris.add(f"{made.address}{CALLBACK}")
    await made.start()
    await made.populate(["ada", "bob"])
    return made


async def test_rel_04_a_provider_that_hangs_is_waited_for_by_its_own_people_alone(
    on: Stage, issuer: OidcIssuer, other_issuer: OidcIssuer
) -> None:
    assert (await log_in(on.address, "acme")).succeeded
    issuer.faults["token"] = hanging_calls = Hanging()
    async with on.traffic():
        hanging = [asyncio.create_task(log_in(on.address, "acme")) for _ in range(CROWD)]
        await hanging_calls.are(CALLS)
        await asyncio.sleep(0.3)
        assert hanging_calls.now == CALLS
        assert (await log_in(on.address, "other")).succeeded
        arrivals = await asyncio.gather(*hanging)
    for arrival in arrivals:
        assert arrival.status in {502, 503, 504}, arrival
        assert "<html" in arrival.page
        assert arrival.status != 503 or arrival.retry_after
        assert arrival.seconds < PATIENCE + GIVING_UP
    issuer.faults.clear()
    assert (await log_in(on.address, "acme")).succeeded
    await on.judge()


async def test_rel_05_a_provider_that_talks_nonsense_ends_this_login_alone(
    on: Stage, issuer: OidcIssuer
) -> None:
    for name, fault in NONSENSE.items():
        issuer.faults["token"] = fault
        arrival = await log_in(on.address, "acme")
        assert arrival.status in {502, 503, 504}, (name, arrival)
        again = await on.people[0].browser.ask("GET", arrival.where.removeprefix(on.address))
        assert again.status == 400, f"{name}: the state was not used up"
        issuer.faults.clear()
        assert (await log_in(on.address, "acme")).succeeded, name
    await on.judge()


async def test_rel_06_new_keys_of_a_provider_are_fetched_once_and_old_ones_do_while_it_is_down(
    on: Stage, issuer: OidcIssuer
) -> None:
    assert (await log_in(on.address, "acme")).succeeded
    issuer.faults["jwks"] = faults.server_error
    assert (await log_in(on.address, "acme")).succeeded  # by the keys that are known
    issuer.faults.clear()
    await asyncio.sleep(1.1)  # JWKS_COOLDOWN
    issuer.rotate_keys()
    asked = issuer.asked["jwks"]
    at_once = asyncio.Semaphore(CALLS)

    async def one() -> bool:
        async with at_once:
            return (await log_in(on.address, "acme")).succeeded

    assert all(await asyncio.gather(*(one() for _ in range(LOGINS))))
    assert issuer.asked["jwks"] == asked + 1
    await on.judge()
