"""Fixtures: a service whose `notes` and `shop` go by the policies, its administrator, and Alice."""

from typing import Any

import pytest

from tests.fixtures.service import Service, Start
from tests.self_service.people import Person, ask, logged_in, registered

SERVICES = "notes:policies;shop:policies;plain:tests.contract.plain_provider"


@pytest.fixture
async def ruled(start: Start) -> Service:
    """The service, with no limit that a test would meet."""
    return await start(ALLOWED_SERVICES=SERVICES, PASSWORD_CHECKS="100000")


@pytest.fixture
async def admin(ruled: Service) -> Person:
    """The first administrator."""
    status, made = await ask(ruled, "POST", "/auth/setup")
    assert status == 201, made
    return await logged_in(ruled, made["username"], made["password"])


@pytest.fixture
async def alice(ruled: Service) -> Person:
    """Alice, whose email nobody has verified."""
    return await registered(ruled, "alice", email="alice@example.com")


async def add(admin: Person, table: str, action: str, expression: str, service: str = "all") -> str:
    """Add a policy; return its id."""
    sent = {"service": service, "table_name": table, "action": action, "expression": expression}
    status, made = await admin.call("POST", "/auth/policies", json=sent)
    assert status == 201, made
    return str(made["id"])


async def authorized(who: Person, service: str = "notes", **query: str) -> dict[str, Any]:
    """Return what `/auth/authorize` says of *who* in *service*."""
    status, told = await who.call("GET", "/auth/authorize", params={"service": service, **query})
    assert status == 200, told
    return dict(told)
