"""`dhq-auth session`: where a user is logged in, and the end of it."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import Cli
from tests.fixtures.service import Start
from tests.self_service import ears
from tests.self_service.people import Person, has_ended, is_known, is_signed_in, registered

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEARD = {"INSTALLED_EXTENSIONS": "tests.self_service.ears"}


@pytest.fixture
async def alice(start: Start) -> Person:
    return await registered(await start(), "alice")


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str]]]:
    ears.heard.clear()
    yield ears.heard
    ears.heard.clear()


@pytest.mark.slow
@SQLITE
async def test_they_are_listed_the_newest_first(alice: Person, on_database: Cli) -> None:
    alice.service.clock.advance(minutes=1)
    await alice.again()
    items = (await on_database.aside("session", "list", "alice", "--json")).json["items"]
    assert [each["provider"] for each in items] == ["password", "password"]
    assert items[0]["created_at"] > items[1]["created_at"]
    assert set(items[0]) == {
        *("id", "provider", "created_at", "used_at", "expires_at", "address", "user_agent")
    }
    assert items[0]["id"] in (await on_database.aside("session", "list", "alice")).out


@pytest.mark.slow
async def test_one_ends_or_all_and_the_extensions_hear_of_it(
    alice: Person, on_database: Cli, heard: list[tuple[str, str]]
) -> None:
    elsewhere, made = await alice.again(), await alice.make_token()
    bob = await registered(alice.service, "bob")
    found = (await alice.call("GET", "/auth/sessions"))[1]["items"]
    there = next(each["id"] for each in found if not each["current"])
    ended = await on_database.aside("session", "revoke", "alice", there, "--json", **HEARD)
    assert ended.json == {"ended": 1}
    assert not await is_signed_in(elsewhere.browser)
    assert await is_known(alice.service, alice.token)
    ended = await on_database.aside("session", "revoke", "alice", "--all", **HEARD)
    assert ended.out == "ended: 1\n"
    assert await has_ended(alice.service, alice.token)
    assert await is_known(alice.service, made["token"])
    assert await is_known(alice.service, bob.token)
    assert heard == [("out", "alice"), ("out", "alice")]
    ended = await on_database.aside("session", "revoke", "alice", "--all", **HEARD)
    assert ended.out == "ended: 0\n"
    assert len(heard) == 2


@SQLITE
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("list", "nobody"), 1, "there is no user"),
        (("revoke", "alice"), 2, "--all"),
        (("revoke", "alice", "0" * 32), 1, "no session"),
        (("revoke", "alice", "\udcff"), 1, "no session"),
        (("revoke", "nobody", "--all"), 1, "there is no user"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_a_line(
    alice: Person, on_database: Cli, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = await on_database.aside("session", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert await is_known(alice.service, alice.token)
