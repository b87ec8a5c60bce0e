"""Fixtures: a service that is set up, its administrator, and two people."""

import pytest

from tests.administration.setting_up import ELSEWHERE
from tests.fixtures.service import Service, Start
from tests.self_service.people import Person, ask, logged_in, registered


@pytest.fixture
async def local(start: Start) -> Service:
    """A service without login providers, with no limit that a test would meet."""
    return await start(PASSWORD_CHECKS="100000")


@pytest.fixture
async def admin(local: Service) -> Person:
    """The first administrator, who is logged in."""
    status, made = await ask(local, "POST", "/auth/setup")
    assert status == 201, made
    return await logged_in(local, made["username"], made["password"])


@pytest.fixture
async def alice(local: Service) -> Person:
    """Alice, who is logged in."""
    return await registered(local, "alice", email="alice@example.com")


@pytest.fixture
async def bob(local: Service) -> Person:
    """Bob, who is logged in."""
    return await registered(local, "bob")


@pytest.fixture
async def remote(start: Start) -> Service:
    """A service that browsers reach by a name of the world."""
    return await start(EXTERNAL_ADDRESS=ELSEWHERE, SECRET_KEY="k" * 43)
