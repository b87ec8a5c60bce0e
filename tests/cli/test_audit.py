"""Reading the audit log."""

import pytest

from dhq_auth.clock import rfc3339
from dhq_auth.db import Database
from dhq_auth.events import Event, LoginRefused, Source, UsernameChosen
from dhq_auth.work import Work
from tests.cli.conftest import Cli
from tests.fixtures.service import FrozenClock

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def remember(url: str, clock: FrozenClock, *events: Event) -> None:
    """Write *events* as the service does, a second apart."""

    async def nobody(*_events: object) -> None:
        return None

    database = Database(url, pool=1, timeout=5)
    work = Work(database, clock, nobody)
    for event in events:
        await work.tell(Source("192.0.2.1", "a-request"), event)
        clock.advance(seconds=1)
    await database.close()


def refused(user: str | None = None, reason: str = "cancelled") -> LoginRefused:
    return LoginRefused(user_id=user, provider="acme", reason=reason)


def chosen(user: str, username: str = "ada") -> UsernameChosen:
    return UsernameChosen(user_id=user, username=username)


@pytest.mark.slow
async def test_the_newest_is_listed_first_with_all_that_is_known(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    began = clock.now
    await remember(database_url, clock, refused(), chosen("u1"))
    last, first = (await on_database.aside("audit", "list", "--json")).json["items"]
    assert last["kind"] == "username.chosen"
    assert first["id"] < last["id"]
    assert {name: first[name] for name in first if name != "id"} == {
        "at": rfc3339(began),
        "kind": "login.refused",
        "user_id": None,
        "address": "192.0.2.1",
        "request_id": "a-request",
        "detail": {"provider": "acme", "reason": "cancelled"},
    }


@pytest.mark.slow
async def test_it_can_be_narrowed_by_user_kind_and_number(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    await remember(database_url, clock, refused("u1"), refused("u2"), chosen("u1"), chosen("u2"))

    async def found(*options: str) -> list[tuple[str, str]]:
        items = (await on_database.aside("audit", "list", "--json", *options)).json["items"]
        return [(item["kind"], item["user_id"]) for item in items]

    mine = [("username.chosen", "u1"), ("login.refused", "u1")]
    assert await found("--user", "u1") == mine
    assert await found("--kind", "login.refused") == [
        ("login.refused", "u2"),
        ("login.refused", "u1"),
    ]
    assert await found("--kind", "login") == await found("--kind", "login.refused")
    assert await found("--kind", "login.") == await found("--kind", "login.refused")
    assert await found("--kind", "log") == []
    assert await found("--kind", "%") == []
    assert await found("--user", "u1", "--kind", "login") == mine[1:]
    assert await found("--limit", "1") == [("username.chosen", "u2")]
    assert await found("--user", "' or 1=1 --") == []


@SQLITE
async def test_what_users_wrote_cannot_play_with_the_terminal(
    database_url: str, on_database: Cli, clock: FrozenClock
):
    await remember(database_url, clock, chosen("u1", "\x1b[2J[red]ada[/red]\u202e\nu2"))
    ended = await on_database.aside("audit", "list")
    assert r"username=\x1b[2J[red]ada[/red]\u202e\nu2" in ended.out
    assert len(ended.out.splitlines()) == 3


@SQLITE
def test_an_empty_log_is_no_fault(on_database: Cli):
    assert on_database("audit", "list", "--json").json == {"items": []}
    assert on_database("audit", "list").code == 0
