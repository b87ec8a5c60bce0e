"""A service that checks tokens by itself hears of what ends here, by the real feed."""

import time
from collections.abc import AsyncIterator

import pytest

from dhq_auth.sdk import InvalidToken, Verifier
from tests.fixtures.service import Service, Start
from tests.revocations.conftest import NOTES
from tests.revocations.stage import by_bearer
from tests.sdk.feed_server import is_revoked, refused
from tests.self_service.people import Person, registered


@pytest.fixture
async def replicas(start: Start) -> list[Service]:
    """Two processes' worth of service on one database, whose tokens are of the first."""
    first = await start(ALLOWED_SERVICES=NOTES)
    return [first, await start(ALLOWED_SERVICES=NOTES, EXTERNAL_ADDRESS=first.url)]


@pytest.fixture
async def verifier(replicas: list[Service]) -> AsyncIterator[Verifier]:
    """A service that fetches keys and feed from the second."""
    first, second = replicas
    there = str(second.browser.session._base_url)
    verifier = Verifier(first.url, service="notes", internal_url=there, now=first.clock)
    yield verifier
    verifier.close()


async def shown(who: Person, verifier: Verifier) -> str:
    """Return a service token of *who* that is believed."""
    token = await by_bearer(who.service, who.token)
    assert (await verifier.verify_async(token)).user_id == who.id
    return token


@pytest.mark.slow
async def test_signing_out_everywhere_reaches_a_service_that_follows_another_replica(
    replicas: list[Service], verifier: Verifier
) -> None:
    alice, bob = [await registered(replicas[0], name) for name in ("alice", "bob")]
    tokens = [await shown(who, verifier) for who in (alice, await alice.again(), bob)]
    begun = time.monotonic()
    assert (await alice.call("POST", "/auth/logout", json={"all": True}))[0] == 200
    assert await refused(verifier, tokens[0], within=2)
    assert time.monotonic() - begun < 2
    assert await is_revoked(verifier, tokens[1])
    assert not await is_revoked(verifier, tokens[2])
    await shown(await alice.again(), verifier)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_service_that_starts_later_knows_what_ended_before(
    replicas: list[Service], verifier: Verifier
) -> None:
    alice = await registered(replicas[0], "alice")
    token = await by_bearer(alice.service, alice.token)
    assert (await alice.call("POST", "/auth/logout"))[0] == 200
    with pytest.raises(InvalidToken, match="revoked"):
        await verifier.verify_async(token)
