"""What the tests of proxies share: a service that trusts one, and somebody with an account."""

from collections.abc import AsyncIterator

import pytest

from tests.fixtures.service import Browser, Service, Start
from tests.proxies.visitor import TRUSTING, Visitor
from tests.self_service.people import GOOD


@pytest.fixture
async def trusting(start: Start) -> Service:
    """A service behind a proxy."""
    return await start(**TRUSTING)


@pytest.fixture
async def proxy(trusting: Service) -> AsyncIterator[Browser]:
    """The connection of the proxy to the service."""
    async with Browser(str(trusting.browser.session._base_url), forgets=True) as connected:
        yield connected


@pytest.fixture
async def visitor(proxy: Browser) -> Visitor:
    """A browser that has never been anywhere; there is an account `alice`."""
    answer = await proxy.post("/auth/register", json={"username": "alice", "password": GOOD})
    assert answer.status == 201, await answer.text()
    return Visitor(proxy)
