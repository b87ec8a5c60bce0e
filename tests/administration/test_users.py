"""Users over HTTP, for administrators."""

from datetime import datetime
from typing import Any

import pytest

from tests.fixtures.service import Service, Start
from tests.self_service.people import BETTER, GOOD, Person, ask, logged_in, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FIELDS = {
    *("id", "username", "email", "email_verified", "first_name", "last_name", "name"),
    *("avatar_url", "is_admin", "is_active", "created_at", "updated_at"),
}
CAROL = {"username": "carol", "email": "carol@example.com", "password": GOOD}
ROUTES = [
    ("GET", "/auth/users"),
    ("POST", "/auth/users"),
    ("GET", "/auth/users/{id}"),
    ("PUT", "/auth/users/{id}"),
    ("DELETE", "/auth/users/{id}"),
]
each_route = pytest.mark.parametrize(("method", "path"), ROUTES)


async def add(admin: Person, **fields: Any) -> dict[str, Any]:
    status, made = await admin.call("POST", "/auth/users", json={**CAROL, **fields})
    assert status == 201, made
    return made


@sqlite
@each_route
async def test_nobody_in_particular_is_not_let_in(
    local: Service, admin: Person, method: str, path: str
) -> None:
    status, said = await ask(local, method, path.format(id=admin.id))
    assert (status, said["code"]) == (401, "missing_credential")


@sqlite
@each_route
async def test_who_is_no_administrator_is_known_and_may_not(
    admin: Person, alice: Person, method: str, path: str
) -> None:
    for user_id in (admin.id, alice.id, "nobody"):
        status, said = await alice.call(method, path.format(id=user_id), json=CAROL)
        assert (status, said["code"]) == (403, "forbidden")


@sqlite
@each_route
async def test_a_token_needs_the_scope_admin(admin: Person, method: str, path: str) -> None:
    narrow = await admin.make_token(title="narrow", scopes=["profile", "policies"])
    where = path.format(id="nobody")
    status, said = await ask(admin.service, method, where, bearer=narrow["token"], json={})
    assert (status, said["code"]) == (403, "insufficient_scope")
    wide = await admin.make_token(title="wide", scopes=["admin"])
    status, _ = await ask(admin.service, method, where, bearer=wide["token"], json={})
    assert status not in {401, 403}


@sqlite
async def test_a_token_of_somebody_else_gets_no_right_by_its_scope(alice: Person) -> None:
    token = await alice.make_token(title="hopeful", scopes=["admin"])
    status, said = await ask(alice.service, "GET", "/auth/users", bearer=token["token"])
    assert (status, said["code"]) == (403, "forbidden")


@pytest.mark.slow
async def test_who_is_made_an_administrator_is_one_at_once_and_demoted_no_more(
    admin: Person, alice: Person
) -> None:
    where = f"/auth/users/{alice.id}"
    assert (await admin.call("PUT", where, json={"is_admin": True}))[1]["is_admin"] is True
    assert (await alice.call("GET", "/auth/users"))[0] == 200
    assert (await admin.call("PUT", where, json={"is_admin": False}))[1]["is_admin"] is False
    assert (await alice.call("GET", "/auth/users"))[0] == 403


async def test_a_user_is_added_as_the_contract_describes_one(admin: Person) -> None:
    made = await add(admin, first_name="Carol", last_name="Sørensen")
    assert made.keys() == FIELDS
    assert made == {
        **made,
        "username": "carol",
        "email": "carol@example.com",
        "email_verified": True,
        "name": "Carol Sørensen",
        "avatar_url": None,
        "is_admin": False,
        "is_active": True,
    }
    assert datetime.fromisoformat(made["created_at"]) == admin.service.clock.now
    assert await admin.call("GET", f"/auth/users/{made['id']}") == (200, made)
    assert (await logged_in(admin.service, "CAROL@example.com")).id == made["id"]


@sqlite
@pytest.mark.parametrize(
    "sent",
    [
        {"json": {}},
        {"data": b"", "headers": {"Content-Type": "application/json"}},
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        {"json": {"password": GOOD}},
        {"json": {"email": "carol@example.com"}},
        {"json": {"username": "carol", "password": None}},
        {"json": {**CAROL, "password": "short"}},
        {"json": {**CAROL, "password": "carol@example.com"}},
        {"json": {**CAROL, "password": 123456789012345}},
        {"json": {**CAROL, "username": ["carol"]}},
        {"json": {**CAROL, "username": "carol smith"}},
        {"json": {**CAROL, "username": "c" * 10_000}},
        {"json": {**CAROL, "email": "carol"}},
        {"json": {**CAROL, "email": "a@b\u202e.com"}},
        {"json": {**CAROL, "name": {"first": "Carol"}}},
        {"json": {**CAROL, "name": "two\nlines"}},
        {"json": {**CAROL, "name": "\u0000"}},
        {"json": {**CAROL, "is_admin": "yes"}},
        {"json": {**CAROL, "is_admin": 1}},
    ],
    ids=[
        *("nothing", "no_body", "no_json", "no_name", "no_password", "null_password", "short"),
        *("guessable", "number_for_password", "list_for_name", "blank", "endless", "no_email"),
        *("turned_email", "object_for_name", "lines", "nul", "yes", "one"),
    ],
)
async def test_what_is_no_user_is_not_added(admin: Person, sent: dict[str, Any]) -> None:
    status, said = await admin.call("POST", "/auth/users", **sent)
    assert status == 400, said
    assert len((await admin.call("GET", "/auth/users"))[1]["items"]) == 1


async def test_who_only_claims_an_email_keeps_nobody_from_having_it(admin: Person) -> None:
    claim = {"email": CAROL["email"], "password": "what mallory has chosen"}
    claimed = await admin.service.new_browser().post("/auth/register", json=claim)
    assert claimed.status == 201
    added = await add(admin)
    assert added["email_verified"] is True


@pytest.mark.parametrize(
    ("again", "code"),
    [
        ({"email": "other@example.com"}, "username_taken"),
        ({"username": "CAROL", "email": None}, "username_taken"),
        ({"username": "other"}, "email_taken"),
        ({"username": None, "email": "Carol@Example.com"}, "email_taken"),
    ],
    ids=["username", "its_case", "email", "its_case_alone"],
)
async def test_a_name_or_email_that_is_taken_is_a_conflict(
    admin: Person, again: dict[str, Any], code: str
) -> None:
    await add(admin)
    status, said = await admin.call("POST", "/auth/users", json={**CAROL, **again})
    assert (status, said["code"]) == (409, code)


@sqlite
async def test_an_administrator_may_give_a_name_that_nobody_can_choose(admin: Person) -> None:
    assert (await add(admin, username="support"))["username"] == "support"


@sqlite
async def test_what_is_not_for_callers_to_say_is_ignored(admin: Person) -> None:
    made = await add(admin, id="mine", created_at="1970-01-01", is_active=False, rights="all")
    assert made["id"] != "mine"
    assert made["is_active"] is True
    assert datetime.fromisoformat(made["created_at"]) == admin.service.clock.now


@pytest.mark.slow
@sqlite
async def test_where_there_are_no_passwords_users_are_added_without(start: Start) -> None:
    service = await start()
    _, made = await ask(service, "POST", "/auth/setup")
    boss = await logged_in(service, made["username"], made["password"])
    token = (await boss.make_token(title="add"))["token"]
    await service.stop()
    off = await start(PASSWORD_LOGIN="off")
    status, made = await ask(off, "POST", "/auth/users", bearer=token, json=CAROL)
    assert status == 201, made
    await off.stop()
    status, _ = await ask(
        await start(),
        "POST",
        "/auth/login",
        json={"username": "carol", "password": GOOD},
    )
    assert status == 401


@pytest.mark.parametrize(
    "user_id", ["nobody", "0" * 32, "%00", "%ff", "%20", "x" * 200, "'", "me2", "%E2%80%AE"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_user_who_is_not_there_is_not_found(
    admin: Person, user_id: str, method: str
) -> None:
    status, said = await admin.call(method, f"/auth/users/{user_id}", json={"name": "x"})
    assert (status, said["code"]) == (404, "not_found")


@sqlite
async def test_names_are_changed_cleared_and_left_alone(admin: Person) -> None:
    made = await add(admin, name="Caz", first_name="Carol", last_name="Smith")
    where = f"/auth/users/{made['id']}"
    admin.service.clock.advance(seconds=1)
    status, changed = await admin.call("PUT", where, json={"last_name": "Jones", "name": None})
    assert status == 200
    assert changed == {
        **made,
        "last_name": "Jones",
        "name": None,
        "updated_at": changed["updated_at"],
    }
    assert changed["updated_at"] > made["updated_at"]
    assert await admin.call("GET", where) == (200, changed)
    admin.service.clock.advance(seconds=1)
    assert await admin.call("PUT", where, json={"name": None}) == (200, changed)


@sqlite
async def test_a_name_made_of_first_and_last_follows_them(admin: Person) -> None:
    made = await add(admin, first_name="Carol", last_name="Smith")
    _, changed = await admin.call("PUT", f"/auth/users/{made['id']}", json={"last_name": "Jones"})
    assert changed["name"] == "Carol Jones"


@sqlite
async def test_a_form_changes_a_user_as_json_does(admin: Person) -> None:
    made = await add(admin)
    sent = {"first_name": "Carol", "is_admin": "true"}
    status, changed = await admin.call("PUT", f"/auth/users/{made['id']}/", data=sent)
    assert (status, changed["first_name"], changed["is_admin"]) == (200, "Carol", True)


@sqlite
async def test_email_password_and_all_else_are_not_changed(admin: Person) -> None:
    made = await add(admin)
    sent = {
        "id": "x",
        "username": "mallory",
        "email": "mallory@example.com",
        "email_verified": False,
        "password": BETTER,
        "created_at": "1970-01-01T00:00:00Z",
        "avatar_url": "https://example.com/x.png",
    }
    assert await admin.call("PUT", f"/auth/users/{made['id']}", json=sent) == (200, made)
    assert (await logged_in(admin.service, "carol", GOOD)).id == made["id"]


@sqlite
@pytest.mark.parametrize(
    "sent",
    [
        {"is_admin": "maybe"},
        {"is_admin": None},
        {"is_active": 0},
        {"is_active": ""},
        {"name": 1},
        {"first_name": ["x"]},
        {"last_name": "x" * 300},
        {"name": "\u202e"},
    ],
    ids=["word", "null", "zero", "blank", "number", "list", "long", "bidirectional"],
)
async def test_a_change_of_the_wrong_type_is_refused_and_changes_nothing(
    admin: Person, sent: dict[str, Any]
) -> None:
    made = await add(admin)
    where = f"/auth/users/{made['id']}"
    status, said = await admin.call("PUT", where, json={"first_name": "New", **sent})
    assert (status, said["code"]) == (400, "invalid_request")
    assert await admin.call("GET", where) == (200, made)


@pytest.mark.slow
async def test_a_deleted_user_is_gone_and_deleting_again_finds_nobody(
    admin: Person, alice: Person
) -> None:
    where = f"/auth/users/{alice.id}"
    assert await admin.call("DELETE", where) == (200, {})
    assert (await admin.call("DELETE", where))[0] == 404
    assert (await admin.call("GET", where))[0] == 404
    again = await registered(admin.service, "alice", email="alice@example.com")
    assert again.id != alice.id


@sqlite
async def test_there_is_no_password_nor_hash_in_any_answer(admin: Person) -> None:
    made = await add(admin)
    for path in ("/auth/users", f"/auth/users/{made['id']}"):
        text = str(await admin.call("GET", path))
        assert "argon2" not in text
        assert GOOD not in text
