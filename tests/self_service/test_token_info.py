"""What is presented is told to whoever presents it; whoever holds a token may end it."""

import pytest
from sqlalchemy import text

from dhq_auth.clock import rfc3339
from dhq_auth.db import Database
from tests.fixtures.service import FrozenClock, Start
from tests.self_service.people import Person, ask, basic, is_known, is_signed_in, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
INFO, LEAKED = "/auth/token-info", "/auth/token-leaked"


@sqlite
async def test_every_kind_is_told_with_its_times(alice: Person, clock: FrozenClock) -> None:
    began = rfc3339(clock.now)
    made = await alice.make_token(expires_in=3600, scopes=["authorize:notes"])
    _, developer = await alice.call("POST", "/auth/developer-token")
    clock.advance(seconds=30)
    await is_known(alice.service, developer["token"])
    once, used = rfc3339(clock.now), clock.advance(minutes=5)
    assert used is None
    _, told = await ask(alice.service, "GET", INFO, bearer=made["token"])
    assert told == {
        "kind": "api_token",
        "owner": alice.id,
        "token_id": made["token_id"],
        "session_id": None,
        "scopes": ["authorize:notes"],
        "expired": False,
        "created_at": began,
        "expires_at": made["expires_at"],
        "used_at": None,
    }
    _, told = await ask(alice.service, "GET", INFO, bearer=developer["token"])
    assert (told["kind"], told["used_at"], told["expires_at"]) == ("developer_token", once, None)
    _, told = await alice.call("GET", INFO)
    assert (told["kind"], told["created_at"], told["scopes"]) == ("login_token", began, None)
    _, told = await alice.in_browser("GET", INFO)
    assert (told["kind"], told["created_at"]) == ("session", began)
    _, told = await ask(alice.service, "GET", INFO, headers=basic("alice"))
    assert told["kind"] == "password"


@sqlite
@pytest.mark.parametrize("bearer", [None, "6879-unknown", "6879-" + "a" * 49, "a.b.c", "x"])
async def test_what_is_missing_or_unknown_is_not_authenticated(
    alice: Person, bearer: str | None
) -> None:
    answer = await alice.service.new_browser().get(
        INFO, headers={"Authorization": f"Bearer {bearer}"} if bearer else {}
    )
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@sqlite
async def test_an_expired_one_is_not_authenticated(alice: Person, clock: FrozenClock) -> None:
    made = await alice.make_token(expires_in=1)
    clock.advance(seconds=1)
    assert (await ask(alice.service, "GET", INFO, bearer=made["token"]))[0] == 401


async def test_whoever_holds_a_token_ends_it(alice: Person, bob: Person) -> None:
    made, kept = await alice.make_token(), await alice.make_token()
    _, developer = await alice.call("POST", "/auth/developer-token")
    answers = [
        await ask(alice.service, "POST", LEAKED, **{how: {"token": token}})
        for how, token in (
            ("json", made["token"]), ("data", developer["token"]), ("json", bob.token),
            ("json", made["token"]), ("json", "never a token"), ("json", "6879-" + "a" * 49),
        )
    ]  # fmt: skip
    assert all(answer == (200, answers[0][1]) for answer in answers)
    for token in (made["token"], developer["token"], bob.token):
        assert not await is_known(alice.service, token)
    assert not await is_signed_in(bob.browser), "the session of the login token"
    assert await is_known(alice.service, kept["token"])
    assert await is_known(alice.service, alice.token)
    database = Database(alice.service.settings.database_url.value, pool=1, timeout=20)
    async with database.read() as db:
        found = await db.execute(
            text("SELECT detail FROM audit_events WHERE kind = 'token.revoked'")
        )
        told = [str(row.detail) for row in found]
    await database.close()
    assert len(told) == 2
    assert all("leaked" in each for each in told)


@sqlite
async def test_what_is_no_token_is_no_error(alice: Person, subtests: pytest.Subtests) -> None:
    for token in ("x" * 8192, "é", "a.b.c", "..", "6879-", "eyJ.eyJ.x", "6879-" + "é" * 49):
        with subtests.test(token=token[:20]):
            assert (await ask(alice.service, "POST", LEAKED, json={"token": token}))[0] == 200
    for sent in ({}, {"token": ""}, {"token": None}, {"token": 1}, {"token": "\x00"},
                 {"token": "\ud800"}, {"token": "x" * 8193}):  # fmt: skip
        with subtests.test(sent=str(sent)[:20]):
            assert (await ask(alice.service, "POST", LEAKED, json=sent))[0] == 400


@sqlite
async def test_reports_are_so_many_a_minute(start: Start, clock: FrozenClock) -> None:
    service = await start(TOKEN_REPORTS="2")
    alice = await registered(service)
    made = await alice.make_token()
    for _ in range(2):
        assert (await ask(service, "POST", LEAKED, json={"token": "x"}))[0] == 200
    assert (await ask(service, "POST", LEAKED, json={"token": made["token"]}))[0] == 429
    clock.advance(minutes=1)
    assert (await ask(service, "POST", LEAKED, json={"token": made["token"]}))[0] == 200
    assert not await is_known(service, made["token"])
