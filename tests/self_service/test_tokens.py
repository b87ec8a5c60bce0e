"""API tokens: made, shown once, listed, narrowed and ended by their owner alone."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.api_tokens.format import is_well_formed
from dhq_auth.clock import rfc3339
from dhq_auth.db import Database
from tests.fixtures.service import FrozenClock, Service, Start
from tests.self_service.people import GOOD, Person, ask, is_known, registered, tokens

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NAMED = {"username": "alice", "password": GOOD}


async def test_a_token_is_made_and_lets_its_owner_in(alice: Person, clock: FrozenClock) -> None:
    made = await alice.make_token(title="My script", expires_in=3600)
    assert made == {
        "success": True,
        "token": made["token"],
        "token_id": made["token_id"],
        "title": "My script",
        "expires_at": rfc3339(clock.now + timedelta(hours=1)),
    }
    assert is_well_formed(made["token"])
    said = (await ask(alice.service, "GET", "/auth/check", bearer=made["token"]))[1]
    assert said["profile"]["id"] == alice.id


@sqlite
@pytest.mark.parametrize("sent", [{}, {"title": ""}, {"title": "  "}, {"title": None}], ids=repr)
async def test_a_token_without_a_title_has_the_usual_one(
    alice: Person, sent: dict[str, str | None]
) -> None:
    await alice.make_token(**sent)
    assert [token["title"] for token in await tokens(alice)] == ["API token"]


@sqlite
@pytest.mark.parametrize(
    "how", [lambda t: {"headers": {"Auth-Token": t}}, lambda t: {"params": {"jwt": t}}]
)
async def test_it_may_come_wherever_a_jwt_may(alice: Person, how: Any) -> None:
    made = await alice.make_token()
    _, said = await ask(alice.service, "GET", "/auth/check", **how(made["token"]))
    assert said["authenticated"] is True


@pytest.mark.slow
async def test_the_list_shows_mine_alone_and_no_value(
    alice: Person, bob: Person, clock: FrozenClock
) -> None:
    kept = await alice.make_token(title="kept", scopes=["profile", "authorize:notes"])
    short = await alice.make_token(title="short", expires_in=60)
    gone = await alice.make_token()
    await bob.make_token(title="bob's")
    assert (await alice.call("DELETE", f"/auth/tokens/{gone['token_id']}"))[0] == 200
    clock.advance(minutes=2)
    await is_known(alice.service, kept["token"])
    found = {each["title"]: each for each in await tokens(alice)}
    assert set(found) == {"kept", "short", "API token"}
    began = rfc3339(clock.now - timedelta(minutes=2))
    assert found["kept"] == {
        "token_id": kept["token_id"],
        "title": "kept",
        "hint": kept["token"][-4:],
        "developer": False,
        "scopes": ["authorize:notes", "profile"],
        "created_at": began,
        "expires_at": None,
        "used_at": rfc3339(clock.now),
        "revoked_at": None,
    }
    assert found["short"]["expires_at"] < rfc3339(clock.now)
    assert found["API token"]["revoked_at"] == began
    shown = str(found)
    assert not any(made["token"][5:48] in shown for made in (kept, short, gone))


async def test_one_is_revoked_by_value_or_id_and_the_others_live_on(alice: Person) -> None:
    one, two, three, four = [await alice.make_token() for _ in range(4)]
    answers = [
        await alice.call("POST", "/auth/tokens/revoke", json={"token": one["token"]}),
        await alice.call("POST", "/auth/tokens/revoke", data={"token_id": two["token_id"]}),
        await ask(
            alice.service,
            "POST",
            "/auth/tokens/revoke",
            json={"token": three["token"], "user": NAMED},
        ),
    ]
    assert [(status, said["success"]) for status, said in answers] == [(200, True)] * 3
    for made in (one, two, three):
        _status, said = await ask(alice.service, "GET", "/auth/check", bearer=made["token"])
        assert (said["authenticated"], said["reason"]) == (False, "revoked")
    assert await is_known(alice.service, four["token"])


async def test_nobody_revokes_the_token_of_another(alice: Person, bob: Person) -> None:
    made = await alice.make_token()
    for sent in ({"token": made["token"]}, {"token_id": made["token_id"]}):
        assert (await bob.call("POST", "/auth/tokens/revoke", json=sent))[0] == 404
    assert (await bob.call("DELETE", f"/auth/tokens/{made['token_id']}"))[0] == 404
    assert await is_known(alice.service, made["token"])


@sqlite
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"token": "x"}, 404),
        ({"token": "6879-" + "a" * 49}, 404),
        ({"token_id": "0" * 32}, 404),
        ({"token_id": "../x"}, 404),
        ({"token": ""}, 400),  # not: all of them
        ({"token_id": ""}, 400),
        ({"token": 1}, 400),
        ({"token": "a\x00"}, 400),
        ({"token": "\ud800"}, 400),
        ({"token": "x" * 9000}, 400),
        ({"token": "x", "token_id": "y"}, 400),
        ({"user": "alice"}, 400),
        ({"user": []}, 400),
        ({"user": {"username": "alice"}}, 400),
        ({"user": {"username": {}, "password": GOOD}}, 400),
    ],
)
async def test_what_names_no_token_revokes_none(
    alice: Person, sent: dict[str, Any], status: int
) -> None:
    made = await alice.make_token()
    assert (await alice.call("POST", "/auth/tokens/revoke", json=sent))[0] == status
    assert await is_known(alice.service, made["token"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("DELETE", "/auth/tokens", {}),
        ("POST", "/auth/tokens/revoke", {}),
        ("POST", "/auth/tokens/revoke", {"token": None, "user": None}),
    ],
)
async def test_without_a_token_all_of_mine_are_revoked_and_a_new_one_works(
    alice: Person, bob: Person, method: str, path: str, sent: dict[str, Any]
) -> None:
    mine = [await alice.make_token() for _ in range(2)]
    _, developer = await alice.call("POST", "/auth/developer-token")
    other = await bob.make_token()
    assert (await alice.call(method, path, json=sent))[0] == 200
    for made in (*mine, developer):
        assert not await is_known(alice.service, made["token"])
    assert await is_known(alice.service, other["token"])
    assert await is_known(alice.service, alice.token), "a login is no API token"
    assert await is_known(alice.service, (await alice.make_token())["token"])
    assert (await alice.call(method, path, json=sent))[0] == 200, "none is left: fine"


@sqlite
@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ({}, None),
        ({"expires_in": None, "expires_at": None}, None),
        ({"expires_in": 1}, 1),
        ({"expires_in": 3650 * 86400}, 3650 * 86400),
        ({"expires_in": "3600"}, 3600),  # as forms and curl -d send it
        ({"expires_at": "{0:%Y-%m-%dT%H:%M:%SZ}"}, 86400),
        ({"expires_at": "{0:%Y-%m-%dT%H:%M:%S}+00:00"}, 86400),
        ({"expires_at": "{0:%Y-%m-%dT%H:%M:%S.5}-01:00"}, 90000.5),
    ],
)
async def test_it_expires_when_it_was_said(
    alice: Person, clock: FrozenClock, sent: dict[str, Any], seconds: float | None
) -> None:
    tomorrow = clock.now + timedelta(days=1)
    sent = {k: v.format(tomorrow) if isinstance(v, str) else v for k, v in sent.items()}
    made = await alice.make_token(**sent)
    if seconds is None:
        assert made["expires_at"] is None
        clock.advance(days=4000)
        assert await is_known(alice.service, made["token"])
        return
    assert made["expires_at"] == rfc3339(clock.now + timedelta(seconds=seconds))
    clock.now += timedelta(seconds=seconds, milliseconds=-1)
    assert await is_known(alice.service, made["token"])
    clock.now += timedelta(milliseconds=1)
    _, said = await ask(alice.service, "GET", "/auth/check", bearer=made["token"])
    assert said["reason"] == "expired"


@pytest.mark.slow
@sqlite
async def test_a_token_that_cannot_be_is_not_made(alice: Person, subtests: pytest.Subtests) -> None:
    for sent in (
        {"expires_in": 0}, {"expires_in": -1}, {"expires_in": 3650 * 86400 + 1},
        {"expires_in": 10**40}, {"expires_in": -(10**40)}, {"expires_in": 1.5},
        {"expires_in": True}, {"expires_in": "soon"}, {"expires_in": "٣"}, {"expires_in": [1]},
        {"expires_at": "2001-01-01T00:00:00Z"}, {"expires_at": "2999-01-01T00:00:00Z"},
        {"expires_at": "9999-12-31T23:59:59-23:59"}, {"expires_at": "0001-01-01T00:00:00+23:59"},
        {"expires_at": "2030-01-01"}, {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "tomorrow"}, {"expires_at": 1}, {"expires_at": "\x00"},
        {"expires_in": 60, "expires_at": "2030-01-01T00:00:00Z"},
        {"title": "x" * 256}, {"title": "two\nlines"}, {"title": "\x1b[2J"}, {"title": "a\u202eb"},
        {"title": 1}, {"title": "\ud800"},
        {"scopes": []}, {"scopes": {}}, {"scopes": 1}, {"scopes": True}, {"scopes": ["root"]},
        {"scopes": [None]}, {"scopes": [["profile"]]}, {"scopes": "profile,admin"},
        {"scopes": ["authorize:"]}, {"scopes": ["authorize:a b"]}, {"scopes": [""]},
        {"scopes": [f"authorize:{n}" for n in range(51)]}, {"scopes": ["authorize:" + "x" * 256]},
        {"scopes": ["a login"]},
    ):  # fmt: skip
        with subtests.test(sent=str(sent)[:60]):
            status, said = await alice.call("POST", "/auth/tokens", json=sent)
            assert (status, said["code"]) == (400, "invalid_request")
    assert await tokens(alice) == []


@sqlite
@pytest.mark.parametrize(
    ("sent", "scopes"),
    [
        ({"json": {"scopes": ["profile", "profile"]}}, ["profile"]),
        ({"json": {"scopes": " admin  policies "}}, ["admin", "policies"]),
        ({"json": {"scopes": "  "}}, None),
        ({"data": {"scopes": "authorize:my-notes", "expires_in": "60"}}, ["authorize:my-notes"]),
        ({"data": {"scopes": "", "title": " ", "expires_in": ""}}, None),
    ],
)
async def test_scopes_are_a_list_or_words(
    alice: Person, sent: dict[str, Any], scopes: list[str] | None
) -> None:
    status, _ = await alice.call("POST", "/auth/tokens", **sent)
    assert status == 201
    (found,) = await tokens(alice)
    assert found["scopes"] == scopes
    assert found["title"] == "API token"


@pytest.mark.slow
async def test_a_user_has_so_many_at_most_even_when_many_are_asked_for_at_once(
    start: Start, clock: FrozenClock
) -> None:
    alice = await registered(await start(MAX_API_TOKENS="3"))
    await alice.make_token(expires_in=60)
    answers = await asyncio.gather(*(alice.call("POST", "/auth/tokens") for _ in range(6)))
    assert sorted(status for status, _ in answers) == [201, 201, 409, 409, 409, 409]
    refused = next(said for status, said in answers if status == 409)
    assert refused["code"] == "too_many_tokens"
    clock.advance(minutes=2)  # one has expired
    assert (await alice.call("POST", "/auth/tokens"))[0] == 201
    last = (await tokens(alice))[0]["token_id"]
    assert (await alice.call("POST", "/auth/tokens"))[0] == 409
    await alice.call("DELETE", f"/auth/tokens/{last}")
    assert (await alice.call("POST", "/auth/developer-token"))[0] == 201, "counts for itself"


@pytest.mark.slow
async def test_of_a_sign_out_everywhere_and_a_token_at_the_same_moment_the_sign_out_wins(
    local: Service,
) -> None:
    for turn in range(4):
        person = await registered(local, f"user-{turn}")
        wanted = [person.call("POST", "/auth/tokens") for _ in range(6)]
        developers = [person.call("POST", "/auth/developer-token") for _ in range(2)]
        leaving = person.call("POST", "/auth/logout", json={"all": True})
        answers = await asyncio.gather(*wanted[:3], leaving, *wanted[3:], *developers)
        made = [said["token"] for status, said in answers if status == 201]
        assert {status for status, _ in answers} <= {200, 201, 401}
        for value in made:
            assert not await is_known(local, value)


@sqlite
async def test_a_token_manages_neither_credentials_nor_sessions(alice: Person) -> None:
    made = await alice.make_token()
    for method, path in (
        ("GET", "/auth/tokens"), ("POST", "/auth/tokens"), ("DELETE", "/auth/tokens"),
        ("DELETE", f"/auth/tokens/{made['token_id']}"), ("POST", "/auth/tokens/revoke"),
        ("GET", "/auth/sessions"), ("DELETE", "/auth/sessions"),
        ("GET", "/auth/developer-token"), ("POST", "/auth/developer-token"),
        ("POST", "/auth/users/me/password"), ("POST", "/auth/logout"),
    ):  # fmt: skip
        status, said = await ask(alice.service, method, path, bearer=made["token"])
        assert (status, said["code"]) == (403, "login_required"), path
    assert await is_known(alice.service, made["token"])


@pytest.mark.slow
async def test_the_last_use_is_written_once_a_minute_at_most(
    alice: Person, clock: FrozenClock
) -> None:
    made = await alice.make_token()

    async def used_after(seconds: int) -> str:
        clock.advance(seconds=seconds)
        await asyncio.gather(*(is_known(alice.service, made["token"]) for _ in range(4)))
        return (await tokens(alice))[0]["used_at"]

    first = await used_after(0)
    assert await used_after(59) == first
    assert await used_after(1) == rfc3339(clock.now)


async def test_the_database_knows_a_digest_only(alice: Person) -> None:
    made = await alice.make_token()
    _, developer = await alice.call("POST", "/auth/developer-token")
    database = Database(alice.service.settings.database_url.value, pool=1, timeout=20)
    async with database.read() as db:
        rows = [str(row) for row in await db.execute(text("SELECT * FROM api_tokens"))]
        rows += [str(row) for row in await db.execute(text("SELECT * FROM audit_events"))]
    await database.close()
    assert len(rows) > 2
    for value in (made["token"], developer["token"]):
        assert value[5:48] not in "".join(rows)


async def test_a_token_goes_on_when_its_owner_is_renamed(start: Start) -> None:
    mail = "alice@example.com"
    alice = await registered(await start(), mail, email=mail, username=None)
    made = await alice.make_token()
    await alice.call("POST", "/auth/update", json={"username": "alice"})
    _, said = await ask(alice.service, "GET", "/auth/check", bearer=made["token"])
    assert said["profile"]["username"] == "alice"


@sqlite
async def test_revoke_is_the_id_of_no_token(alice: Person) -> None:
    for path in ("/auth/tokens/revoke", "/auth/tokens/revoke/"):
        answer = await alice.service.new_browser().delete(path)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert (await alice.call("DELETE", "/auth/tokens/revoked"))[0] == 404
