"""Fixtures: a service with accounts of its own, and two people with one."""

import pytest

from tests.fixtures.service import Service, Start
from tests.self_service.people import Person, registered


@pytest.fixture
async def local(start: Start) -> Service:
    """A service without login providers."""
    return await start(PASSWORD_CHECKS="100000")


@pytest.fixture
async def alice(local: Service) -> Person:
    """Alice, who is logged in."""
    return await registered(local, "alice", email="alice@example.com")


@pytest.fixture
async def bob(local: Service) -> Person:
    """Bob, who is logged in."""
    return await registered(local, "bob")
