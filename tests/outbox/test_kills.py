"""A service that is killed while it delivers, and started again."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.cli.conftest import Cli
from tests.fakes.faults import Gate
from tests.fakes.receiver import SECRET, Receiver
from tests.fixtures.process import PATIENCE, Serve
from tests.outbox.conftest import SQLITE, until
from tests.self_service.people import GOOD

pytestmark = pytest.mark.slow


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Who receives."""
    async with Receiver() as running:
        yield running


@SQLITE
async def test_what_was_sent_but_not_noted_comes_again_with_the_same_id(
    serve: Serve, receiver: Receiver, database_url: str
) -> None:
    environ = {
        "INSTALLED_EXTENSIONS": "webhook",
        "EXTENSION_WEBHOOK_URL": receiver.url,
        "EXTENSION_WEBHOOK_SECRET": SECRET,
    }
    served = serve(**environ)
    await served.start()
    gate = receiver.faults["hook"] = Gate()
    sent = {"username": "alice", "password": GOOD}
    assert (await served.program.post("/auth/register", json=sent)).status == 201
    async with asyncio.timeout(PATIENCE):
        await gate.reached.wait()
    await served.kill()
    gate.opened.set()
    del receiver.faults["hook"]
    commands = Cli(DATABASE_URL=database_url, **environ)
    (owed,) = (await commands.aside("webhook", "list", "--pending", "--json")).json["items"]
    assert (owed["kind"], owed["attempts"]) == ("user.created", 1)
    # Who would not wait until its claim ends.
    assert (await commands.aside("webhook", "retry", owed["id"])).code == 0
    await served.start()

    async def all_arrived() -> bool:
        pending = await commands.aside("webhook", "list", "--pending", "--json")
        return not pending.json["items"]

    await until(all_arrived)
    assert {each["webhook-id"] for each in receiver.headers} == {owed["id"]}
    assert receiver.kinds in (["user.created"], ["user.created"] * 2)
