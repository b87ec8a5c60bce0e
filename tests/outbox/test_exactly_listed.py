"""What happens in the whole service, at the receiver and in `webhook list`: the same, once each."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from dhq_auth.audit.store import audit_events
from dhq_auth.db import Database
from tests.cli.conftest import Cli
from tests.fakes import faults
from tests.fakes.receiver import SECRET, Receiver
from tests.fixtures.service import FrozenClock, Service, Start
from tests.outbox.conftest import SQLITE, until
from tests.self_service.people import BETTER, GOOD, ask, logged_in, registered

pytestmark = pytest.mark.slow

SUBSCRIBED = ("user.", "login.succeeded", "logout", "token.", "password.changed")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Who receives."""
    async with Receiver() as running:
        yield running


def installed(receiver: Receiver, **options: str) -> dict[str, str]:
    return {
        "INSTALLED_EXTENSIONS": "crm:webhook",
        "EXTENSION_CRM_URL": receiver.url,
        "EXTENSION_CRM_SECRET": SECRET,
        "EXTENSION_CRM_EVENTS": ";".join(SUBSCRIBED),
        **options,
    }


async def live(service: Service, commands: Cli) -> None:
    """Do all kinds of things, some of which are refused."""
    _, made = await ask(service, "POST", "/auth/setup")
    admin = await logged_in(service, made["username"], made["password"])
    alice = await registered(service, "alice")
    await service.program.post("/auth/login", json={"username": "alice", "password": "wrong"})
    first = await alice.make_token(title="first")
    await alice.make_token(title="second")
    await alice.call("DELETE", f"/auth/tokens/{first['token_id']}")
    elsewhere = await alice.again()
    await elsewhere.call("POST", "/auth/logout")
    sent = {"current_password": GOOD, "new_password": BETTER}
    await alice.call("POST", "/auth/users/me/password", json=sent)
    bob = await registered(service, "bob")
    await admin.call("PUT", f"/auth/users/{bob.id}", json={"is_active": False})
    await admin.call("DELETE", f"/auth/users/{alice.id}")
    await admin.call("DELETE", f"/auth/users/{alice.id}")
    added = await commands.aside("user", "add", "erin", "--generate", "--json")
    assert added.code == 0, added.err


async def listed(commands: Cli, *options: str) -> Any:
    """Return what `webhook list` tells."""
    return (await commands.aside("webhook", "list", "--json", *options)).json["items"]


async def audited(url: str) -> Sequence[Any]:
    """Return kind, user and detail of all that the audit log knows."""
    database = Database(url, pool=1, timeout=10)
    async with database.read() as db:
        a = audit_events.c
        found = (await db.execute(select(a.kind, a.user_id, a.detail))).all()
    await database.close()
    return found


async def test_every_event_of_the_subscription_arrives_once_and_no_other(
    start: Start,
    receiver: Receiver,
    database_url: str,
    clock: FrozenClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    environ = installed(receiver)
    service = await start(**environ)
    commands = Cli(DATABASE_URL=database_url, **environ)
    await live(service, commands)
    happened = Counter(
        (kind, user_id, json.dumps(detail, sort_keys=True))
        for kind, user_id, detail in await audited(database_url)
        if kind.startswith(SUBSCRIBED)
    )
    clock.advance(minutes=1)  # the command had the time of the machine

    async def all_arrived() -> bool:
        return not await listed(commands, "--pending")

    await until(all_arrived)
    items = await listed(commands)
    told = [each["payload"] for each in items]
    for payloads in (receiver.got, told):
        assert happened == Counter(
            (
                each["type"],
                each["data"]["user_id"],
                json.dumps(each["data"]["detail"], sort_keys=True),
            )
            for each in payloads
        )
    assert {each["extension"] for each in items} == {"crm"}
    assert {each["attempts"] for each in items} == {1}
    assert {kind for kind, _, _ in happened} == {
        *("user.created", "user.changed", "user.deleted", "login.succeeded", "logout"),
        *("token.made", "token.revoked", "password.changed"),
    }
    assert SECRET not in caplog.text + json.dumps(items)
    created = [each for each in receiver.got if each["type"] == "user.created"]
    assert {each["data"]["user"]["username"] for each in created} >= {"alice", "bob", "erin"}
    assert len(created) == 4


@SQLITE
async def test_a_receiver_that_hangs_holds_up_no_login(start: Start, receiver: Receiver) -> None:
    receiver.faults["hook"] = faults.hang
    service = await start(**installed(receiver), DELIVERY_TIMEOUT="60", DELIVERY_CALLS="2")
    began = asyncio.get_running_loop().time()
    for number in range(10):
        await registered(service, f"user{number}")
    assert asyncio.get_running_loop().time() - began < 10


@SQLITE
async def test_a_try_has_the_time_of_delivery_timeout(
    start: Start, receiver: Receiver, database_url: str
) -> None:
    receiver.faults["hook"] = faults.hang
    service = await start(**installed(receiver), DELIVERY_TIMEOUT="0.2")
    await registered(service, "alice")
    commands = Cli(DATABASE_URL=database_url)

    async def all_failed() -> bool:
        return all(each["error"] for each in await listed(commands))

    await until(all_failed)
    assert {each["error"] for each in await listed(commands)} == {"no answer in time"}


@SQLITE
async def test_what_has_ended_is_forgotten_after_delivery_retention(
    start: Start, receiver: Receiver, database_url: str, clock: FrozenClock
) -> None:
    commands = Cli(DATABASE_URL=database_url)
    service = await start(**installed(receiver))
    await registered(service, "alice")

    async def something_arrived() -> bool:
        return bool(await listed(commands, "--delivered"))

    async def nothing_is_remembered() -> bool:
        return not await something_arrived()

    await until(something_arrived)
    await service.stop()
    clock.advance(hours=1, seconds=1)
    await start(**installed(receiver), DELIVERY_RETENTION="1h")
    await until(nothing_is_remembered)
