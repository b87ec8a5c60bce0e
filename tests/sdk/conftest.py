"""Fixtures: auth services, chosen by the test or real, and what verifies their tokens."""

from collections.abc import AsyncIterator, Callable

import pytest

from dhq_auth.sdk import Verifier
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock, Service, Start, oidc
from tests.sdk.auth_server import SERVICE, AuthServer
from tests.sdk.feed_server import FeedServer


@pytest.fixture
async def auth(clock: FrozenClock) -> AsyncIterator[AuthServer]:
    """An auth service that does as the test says."""
    async with AuthServer(clock) as server:
        yield server


@pytest.fixture
def verifier(auth: AuthServer) -> Verifier:
    """A verifier of the tokens of `auth`."""
    return Verifier(auth.origin, service=SERVICE, now=auth.clock)


@pytest.fixture
async def real(start: Start, issuer: OidcIssuer) -> Service:
    """The real service, with `notes` and `photos` for services."""
    services = ("notes:tests.sdk.providers", "photos:tests.sdk.providers")
    return await start(issuer, **oidc(issuer), ALLOWED_SERVICES=";".join(services))


@pytest.fixture
def service_token(real: Service) -> Callable[..., object]:
    """Return a function that logs in and asks for a token of a service."""

    async def ask(service: str = SERVICE) -> str:
        login = await real.log_in("acme")
        answer = await real.browser.get(
            "/auth/authorize", params={"service": service}, headers={"Auth-Token": login}
        )
        assert answer.status == 200, await answer.text()
        return (await answer.json())["token"]

    return ask


@pytest.fixture
async def feed(clock: FrozenClock) -> AsyncIterator[FeedServer]:
    """An auth service that tells of revocations what the test says."""
    async with FeedServer(clock) as server:
        yield server


@pytest.fixture
async def follower(feed: FeedServer) -> AsyncIterator[Verifier]:
    """A verifier that follows `feed`."""
    verifier = Verifier(feed.origin, service=SERVICE, now=feed.clock)
    yield verifier
    verifier.close()
