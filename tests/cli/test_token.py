"""`dhq-auth token`: made, listed and revoked on the database, while the service runs or not."""

import pytest

from tests.cli.conftest import Cli
from tests.fixtures.service import Start
from tests.self_service.people import Person, ask, has_ended, is_known, registered

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def alice(start: Start) -> Person:
    return await registered(await start(), "alice", email="alice@example.com")


@pytest.mark.parametrize("how", ["id", "username", "email"])
async def test_a_token_is_made_for_whoever_is_named(
    alice: Person, on_database: Cli, how: str
) -> None:
    user = {"id": alice.id, "username": "ALICE", "email": "alice@example.com"}[how]
    ended = await on_database.aside("token", "create", user)
    assert ended.code == 0
    assert await is_known(alice.service, ended.out.strip())
    assert "once" in ended.err


@pytest.mark.slow
@SQLITE
async def test_it_is_what_was_asked_for(alice: Person, on_database: Cli) -> None:
    ended = await on_database.aside(
        "token", "create", "alice", "--title", "ci", "--days", "30", "--scope", "admin",
        "--scope", "authorize:notes", "--json",
    )  # fmt: skip
    made = ended.json
    assert (made["title"], made["scopes"]) == ("ci", ["admin", "authorize:notes"])
    assert made["expires_at"] is not None
    status, _ = await ask(alice.service, "GET", "/auth/users/me", bearer=made["token"])
    assert status == 403
    (listed,) = (await on_database.aside("token", "list", "alice", "--json")).json["items"]
    assert listed.pop("used_at") is not None
    assert listed == {name: made[name] for name in made if name not in {"token", "used_at"}}
    shown = (await on_database.aside("token", "list", "alice")).out
    assert "admin authorize:notes" in shown
    assert made["token"][5:48] not in shown


@SQLITE
async def test_there_is_one_developer_token(alice: Person, on_database: Cli) -> None:
    old, new = [
        (await on_database.aside("token", "create", "alice", "--developer")).out.strip()
        for _ in range(2)
    ]
    assert not await is_known(alice.service, old)
    assert await is_known(alice.service, new)


@pytest.mark.slow
async def test_one_is_revoked_or_all_and_nobody_elses(alice: Person, on_database: Cli) -> None:
    bob = await registered(alice.service, "bob")
    one, two, other = await alice.make_token(), await alice.make_token(), await bob.make_token()
    refused = await on_database.aside("token", "revoke", "alice", other["token_id"])
    assert (refused.code, refused.out) == (1, "")
    ended = await on_database.aside("token", "revoke", "alice", one["token_id"], "--json")
    assert ended.json == {"revoked": [one["token_id"]]}
    assert await has_ended(alice.service, one["token"])
    assert await is_known(alice.service, two["token"])
    assert (await on_database.aside("token", "revoke", "alice", "--all")).out == "revoked: 1\n"
    assert await has_ended(alice.service, two["token"])
    assert await is_known(alice.service, other["token"])
    assert await is_known(alice.service, alice.token), "a login is no API token"


@SQLITE
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "nobody"), 1, "there is no user"),
        (("create", "alice", "--scope", "root"), 1, "A scope is one of"),
        (("create", "alice", "--title", "x" * 256), 1, "A title is one line"),
        (("create", "alice", "--days", "0"), 2, "Invalid value"),
        (("create", "alice", "--developer", "--days", "7"), 2, "--developer"),
        (("list", "nobody"), 1, "there is no user"),
        (("revoke", "alice"), 2, "--all"),
        (("revoke", "alice", "x", "--all"), 2, "--all"),
        (("revoke", "alice", "x"), 1, "no token"),
        (("revoke", "alice", "\udcff"), 1, "no token"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_a_line(
    alice: Person, on_database: Cli, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = await on_database.aside("token", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert (await alice.call("GET", "/auth/tokens"))[1]["items"] == []


@SQLITE
async def test_nobody_who_is_disabled_gets_one(alice: Person, on_database: Cli) -> None:
    await on_database.aside("user", "disable", "alice")
    for options in ((), ("--developer",)):
        ended = await on_database.aside("token", "create", "alice", *options)
        assert (ended.code, ended.out) == (1, "")
        assert "is disabled" in ended.err


@SQLITE
async def test_no_more_are_made_than_a_user_may_have(alice: Person, on_database: Cli) -> None:
    await alice.make_token()
    ended = await on_database.aside("token", "create", "alice", MAX_API_TOKENS="1")
    assert (ended.code, ended.out) == (1, "")
