"""Rules that let somebody do a little, and who tries to make much of it."""

from typing import Any

import pytest

from tests.administration.policies.rules import add, asked
from tests.self_service.people import GOOD, Person, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PARTLY = {
    "in one of two cases": "is_admin = false or id = auth_user.id",
    "in one of two cases of many": "is_active and (not is_admin or id = auth_user.id)",
    "of a caller who is another": (
        "id = auth_user.id and (is_admin = false or username = auth_user.username)"
    ),
    "in a case for others": "id = auth_user.id or (username = 'bob' and is_admin in (true, false))",
}


@pytest.mark.parametrize("expression", PARTLY.values(), ids=PARTLY)
async def test_a_rule_that_speaks_of_administrators_in_one_case_makes_none_in_another(
    admin: Person, alice: Person, expression: str
) -> None:
    await add(admin, "auth_users", "update", expression)
    where = f"/auth/users/{alice.id}"
    assert (await alice.call("PUT", where, json={"is_admin": True}))[0] == 403
    status, changed = await alice.call("PUT", where, json={"name": "Alice"})
    assert (status, changed["name"], changed["is_admin"]) == (200, "Alice", False)


async def test_nobody_makes_an_administrator_where_the_rule_says_so_of_others(
    admin: Person, alice: Person
) -> None:
    await add(admin, "auth_users", "create", "not is_admin or username != 'root'")
    carol = {"username": "carol", "password": GOOD, "is_admin": True}
    assert (await alice.call("POST", "/auth/users", json=carol))[0] == 403
    status, made = await alice.call("POST", "/auth/users", json={**carol, "is_admin": False})
    assert (status, made["is_admin"]) == (201, False)


async def test_nobody_deletes_an_administrator_where_the_rule_says_so_of_others(
    admin: Person, alice: Person
) -> None:
    await add(admin, "auth_users", "delete", "not is_admin or username = 'admin'")
    assert (await alice.call("DELETE", f"/auth/users/{admin.id}"))[0] == 404


async def test_who_is_disabled_may_do_nothing(admin: Person, alice: Person) -> None:
    await add(admin, "articles", "read", "")
    await add(admin, "todos", "read", "author_id = auth_user.id")
    whom: dict[str, Any] = {"user": alice.id}
    assert (await asked(admin, "articles", "read", **whom))["decision"] == "allow"
    await admin.call("PUT", f"/auth/users/{alice.id}", json={"is_active": False})
    for table in ("articles", "todos"):
        said = await asked(admin, table, "read", **whom)
        assert (said["decision"], said["where"], said["tree"]) == ("deny", None, None)
        assert alice.id not in str(said)


async def test_who_may_add_users_does_not_say_whose_an_email_is(
    admin: Person, alice: Person
) -> None:
    """Else a helper would make an account in the name of anybody's address, and have its rows."""
    await add(admin, "auth_users", "create", "auth_user.is_admin or auth_user.username = 'alice'")
    await add(admin, "letters", "read", "to_email = auth_user.email")
    boss = {"username": "carol", "email": "boss@example.com", "password": GOOD}
    status, made = await alice.call("POST", "/auth/users", json=boss)
    assert (status, made["email"]) == (201, "boss@example.com")
    said = await asked(admin, "letters", "read", user=made["id"])
    assert said["decision"] == "deny"
    # An administrator vouches for it.
    status, made = await admin.call("POST", "/auth/users", json={**boss, "username": "dora"})
    assert status == 201
    assert (await asked(admin, "letters", "read", user=made["id"]))["decision"] == "filter"


async def test_an_email_that_was_only_claimed_opens_nothing(admin: Person, alice: Person) -> None:
    await add(
        admin, "auth_policies", "read", "auth_user.is_admin or auth_user.email = 'eve@example.com'"
    )
    await add(admin, "auth_users", "read", "auth_user.is_admin or email = auth_user.email")
    eve = await registered(admin.service, "eve", email="eve@example.com")
    assert (await eve.call("GET", "/auth/policies"))[0] == 403
    assert (await eve.call("GET", "/auth/users"))[0] == 403
