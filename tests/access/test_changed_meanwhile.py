"""What is settled while a password is judged counts for whoever is judged, and for what is kept."""

import asyncio
import sqlite3
from collections.abc import Iterator

import pytest
from aiohttp import encode_basic_auth

from tests.fixtures.service import Start
from tests.self_service.people import GOOD, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MOMENT = 0.2
"""Seconds in which a request that nothing keeps has come to where it has to wait; nobody tells of that."""


@pytest.fixture
def writer(database_url: str) -> Iterator[sqlite3.Connection]:
    """Somebody else who writes, and for whom all others wait."""
    path = database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, isolation_level=None, timeout=10)
    yield other
    other.close()


@pytest.mark.slow
async def test_what_is_granted_to_who_was_changed_meanwhile_is_not_given_again(
    start: Start, writer: sqlite3.Connection
) -> None:
    service = await start(ALLOWED_SERVICES="notes:tests.permissions.names_provider")
    alice = await registered(service)
    service.clock.advance(hours=1)  # her password was judged long ago

    async def name() -> object:
        sent = {"Authorization": encode_basic_auth("alice", GOOD)}
        query = {"service": "notes"}
        answer = await service.program.get("/auth/authorize", params=query, headers=sent)
        assert answer.status == 200, await answer.text()
        return (await answer.json())["permissions"]["name"]

    writer.execute("BEGIN IMMEDIATE")
    changing = asyncio.create_task(alice.call("PUT", "/auth/users/me", json={"name": "Ada"}))
    await asyncio.sleep(MOMENT)
    asking = asyncio.create_task(name())  # who that is has been read; now the password is judged
    await asyncio.sleep(MOMENT)
    writer.execute("COMMIT")
    assert (await changing)[0] == 200
    await asking
    assert await name() == "Ada"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("called", "change"),
    [
        ("alice@example.com", "UPDATE users SET is_active = 0 WHERE username = 'alice'"),
        ("alice", "UPDATE passwords SET hash = 'another'"),
    ],
    ids=["disabled", "password"],
)
async def test_who_asks_after_an_end_is_not_told_what_was_judged_before(
    start: Start, writer: sqlite3.Connection, called: str, change: str
) -> None:
    service = await start()
    await registered(service, email="alice@example.com")
    service.clock.advance(hours=1)

    async def believed() -> bool:
        sent = {"Authorization": encode_basic_auth(called, GOOD)}
        answer = await service.program.get("/auth/check", headers=sent)
        return bool((await answer.json())["authenticated"])

    writer.execute("BEGIN IMMEDIATE")
    before = asyncio.create_task(believed())
    await asyncio.sleep(MOMENT)
    writer.execute(change)
    writer.execute("COMMIT")
    writer.execute("BEGIN IMMEDIATE")  # the one before is still under way
    after = asyncio.create_task(believed())
    await asyncio.sleep(MOMENT)
    writer.execute("COMMIT")
    await before
    assert not await after
