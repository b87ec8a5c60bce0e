"""One's own record."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from tests.fixtures.service import Service
from tests.self_service.people import (
    BETTER,
    GOOD,
    Person,
    ask,
    is_known,
    is_signed_in,
    logged_in,
    registered,
)

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ME = "/auth/users/me"


async def test_everybody_sees_the_own_record_and_nobody_else_s(alice: Person, bob: Person) -> None:
    status, mine = await alice.call("GET", ME)
    assert (status, mine["id"], mine["username"]) == (200, alice.id, "alice")
    assert (mine["email"], mine["email_verified"]) == ("alice@example.com", False)
    assert mine["is_admin"] is False
    assert (await bob.in_browser("GET", f"{ME}/"))[1]["id"] == bob.id


@sqlite
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_nobody_has_no_record(local: Service, method: str) -> None:
    assert (await ask(local, method, ME))[0] == 401


async def test_one_changes_the_own_names_and_nothing_else(alice: Person) -> None:
    _, before = await alice.call("GET", ME)
    sent = {
        "first_name": "Alice",
        "last_name": None,
        "username": "root",
        "email": "admin@example.com",
        "email_verified": True,
        "password": BETTER,
        "is_admin": True,
        "is_active": False,
        "id": "x",
    }
    status, after = await alice.call("PUT", ME, json=sent)
    assert status == 200
    assert after == {**before, "first_name": "Alice", "name": "Alice"}
    assert (await alice.call("GET", "/auth/users"))[0] == 403
    await logged_in(alice.service, "alice", GOOD)


@sqlite
async def test_an_administrator_is_not_demoted_by_a_form_about_names(admin: Person) -> None:
    status, after = await admin.call("PUT", ME, json={"is_admin": False, "name": "Boss"})
    assert (status, after["is_admin"], after["name"]) == (200, True, "Boss")


@sqlite
@pytest.mark.parametrize(
    "sent", [{"name": 1}, {"name": "a\tb"}, {"first_name": "x" * 256}], ids=["1", "tab", "long"]
)
async def test_a_name_of_the_wrong_kind_is_refused(alice: Person, sent: dict[str, Any]) -> None:
    assert (await alice.call("PUT", ME, json=sent))[0] == 400


@sqlite
async def test_the_scope_profile_reads_and_writes_names_but_deletes_nothing(alice: Person) -> None:
    token = (await alice.make_token(title="names", scopes=["profile"]))["token"]
    assert (await ask(alice.service, "GET", ME, bearer=token))[0] == 200
    status, _ = await ask(alice.service, "PUT", ME, bearer=token, json={"name": "A"})
    assert status == 200
    status, said = await ask(alice.service, "DELETE", ME, bearer=token)
    assert (status, said["code"]) == (403, "login_required")
    other = (await alice.make_token(title="other", scopes=["policies"]))["token"]
    for method in ("GET", "PUT"):
        status, said = await ask(alice.service, method, ME, bearer=other, json={})
        assert (status, said["code"]) == (403, "insufficient_scope")


async def test_one_deletes_the_own_account_and_everything_dies_with_it(alice: Person) -> None:
    token = (await alice.make_token(title="mine"))["token"]
    answer = await alice.browser.delete(ME)
    assert (answer.status, await answer.json()) == (200, {})
    assert "session=" in answer.headers["Set-Cookie"]
    for bearer in (alice.token, token):
        assert not await is_known(alice.service, bearer)
    assert not await is_signed_in(alice.browser)
    assert (await alice.call("DELETE", ME))[0] == 401
    assert (await registered(alice.service, "alice")).id != alice.id


@sqlite
async def test_a_name_that_was_chosen_follows_no_other(alice: Person) -> None:
    for sent, name in (
        ({"first_name": "Alice", "last_name": "Liddell"}, "Alice Liddell"),
        ({"last_name": "Hargreaves"}, "Alice Hargreaves"),
        ({"name": "Al"}, "Al"),
        ({"first_name": "Alicia"}, "Al"),
    ):
        assert (await alice.call("PUT", ME, json=sent))[1]["name"] == name


async def test_of_many_who_delete_one_account_at_once_one_did_it(alice: Person) -> None:
    answers = await asyncio.gather(*(alice.call("DELETE", ME) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 401, 401, 401]


@sqlite
@pytest.mark.parametrize("way", ["cookie", "token"])
async def test_who_logged_in_long_ago_must_log_in_again_to_delete(alice: Person, way: str) -> None:
    ask_so = alice.in_browser if way == "cookie" else alice.call
    alice.service.clock.advance(minutes=10, seconds=1)
    status, said = await ask_so("DELETE", ME)
    assert (status, said["code"]) == (403, "reauthentication_required")
    fresh = await alice.again()
    assert (await fresh.in_browser("DELETE", ME))[0] == 200


@sqlite
async def test_name_and_password_are_a_login_of_this_moment(alice: Person) -> None:
    alice.service.clock.advance(days=3)
    basic = b64encode(f"alice:{GOOD}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    assert await ask(alice.service, "DELETE", ME, headers=headers) == (200, {})


@sqlite
async def test_the_last_administrator_cannot_delete_the_own_account(admin: Person) -> None:
    status, said = await admin.call("DELETE", ME)
    assert (status, said["code"]) == (409, "last_administrator")
    assert (await admin.call("GET", ME))[0] == 200
