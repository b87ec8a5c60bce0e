"""What is owed is written with the change that it tells of, for whom it is to go to."""

import json
from typing import Any

import pytest

from dhq_auth.clock import rfc3339
from dhq_auth.db import Database
from dhq_auth.events import Event, LoggedIn, LoginRefused, Source, UsernameChosen
from dhq_auth.work import Transaction
from tests.fixtures.service import FrozenClock
from tests.outbox.conftest import SQLITE, Make, Receiver, dispatcher, happens, rows, turn

HOSTILE = "a\x00\ud800\u2028\x1b[2J'\"\\<script>"
USER = {"id": "u1", "name": HOSTILE, "email": None, "is_admin": False}


async def test_a_change_that_is_undone_owes_nothing(make_work: Make) -> None:
    work = make_work(webhook=Receiver())

    async def fail(tx: Transaction) -> None:
        tx.emit(UsernameChosen(user_id="u1", username="ada"))
        raise KeyError

    with pytest.raises(KeyError):
        await work.transact(Source(), fail)
    assert await rows(work) == []


@SQLITE
async def test_each_extension_is_owed_the_kinds_that_it_wants_once_each(make_work: Make) -> None:
    receivers = {
        "all": Receiver(),
        "names": Receiver("username.chosen"),
        "others": Receiver("user.deleted"),
    }
    work = make_work(**receivers)
    await happens(work)
    await work.tell(Source(), LoginRefused(user_id=None, provider="acme", reason="cancelled"))
    owed = sorted((str(row["destination"]), row["kind"]) for row in await rows(work))
    assert owed == [
        ("all", "login.refused"),
        ("all", "username.chosen"),
        ("names", "username.chosen"),
    ]
    assert len({row["id"] for row in await rows(work)}) == 3


@SQLITE
@pytest.mark.parametrize(
    ("event", "data"),
    [
        (
            UsernameChosen(user_id="u1", username="ada"),
            {"user_id": "u1", "detail": {"username": "ada"}},
        ),
        (
            LoggedIn(user_id="u1", provider="acme", session_id="s1", user_info=USER),
            {"user_id": "u1", "detail": {"provider": "acme", "session_id": "s1"}, "user": USER},
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, Event) else "data",
)
async def test_the_payload_says_what_who_when_and_from_where(
    make_work: Make, clock: FrozenClock, event: Event, data: dict[str, Any]
) -> None:
    work = make_work(webhook=Receiver())
    await work.tell(Source("192.0.2.1", "req", "admin"), event)
    (row,) = await rows(work)
    assert row["payload"] == {
        "type": event.kind,
        "timestamp": rfc3339(clock.now),
        "data": {**data, "actor": "admin", "address": "192.0.2.1", "request_id": "req"},
    }


async def test_whatever_users_wrote_comes_out_as_it_went_in(
    make_work: Make, receiver: Receiver
) -> None:
    work = make_work(webhook=receiver)
    event = LoggedIn(user_id="u1", provider="acme", session_id="s1", user_info=USER)
    await work.tell(Source(), event)
    await turn(dispatcher(work, webhook=receiver))
    assert json.loads(json.dumps(receiver.got[0].payload))["data"]["user"] == USER


@SQLITE
async def test_without_an_extension_that_delivers_nothing_is_written(
    make_work: Make, database: Database
) -> None:
    work = make_work()
    await happens(work)
    assert await rows(work) == []
