"""A change is in force at once: for what is under way, and in every other process."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.administration.policies.rules import add, asked, policy_on
from tests.fixtures.service import Start
from tests.self_service.people import GOOD, Person, ask, logged_in, registered

pytestmark = pytest.mark.slow

ADD_USER = ("POST", "/auth/users", {"username": "carol", "password": GOOD})
CHANGE_USER = ("PUT", "/auth/users/{alice}", {"name": "X"})
DELETE_USER: Any = ("DELETE", "/auth/users/{alice}", {})
ADD_POLICY = ("POST", "/auth/policies", {"table_name": "t", "action": "read", "expression": ""})
CHANGE_POLICY = ("PUT", "/auth/policies/{policy}", {"description": "x"})
DELETE_POLICY: Any = ("DELETE", "/auth/policies/{policy}", {})
CLOSED = "UPDATE policies SET expression = 'false' WHERE table_name LIKE 'auth%'"
NARROWED = "UPDATE policies SET expression = 'id = ''x''' WHERE table_name LIKE 'auth%'"
DEMOTED = "UPDATE users SET is_admin = false"


@pytest.mark.parametrize(
    ("tried", "loss", "refusal"),
    [
        pytest.param(ADD_USER, CLOSED, 403, id="add-user-closed"),
        pytest.param(ADD_USER, NARROWED, 403, id="add-user-narrowed"),
        pytest.param(CHANGE_USER, CLOSED, 403, id="change-user-closed"),
        pytest.param(CHANGE_USER, NARROWED, 404, id="change-user-narrowed"),
        pytest.param(DELETE_USER, CLOSED, 403, id="delete-user-closed"),
        pytest.param(ADD_POLICY, CLOSED, 403, id="add-policy-closed"),
        pytest.param(ADD_POLICY, DEMOTED, 403, id="add-policy-demoted"),
        pytest.param(CHANGE_POLICY, NARROWED, 404, id="change-policy-narrowed"),
        pytest.param(DELETE_POLICY, DEMOTED, 403, id="delete-policy-demoted"),
    ],
)
async def test_who_is_let_no_more_when_it_comes_to_it_is_not_let(
    admin: Person, alice: Person, tried: tuple[str, str, Any], loss: str, refusal: int
) -> None:
    method, path, sent = tried
    there = (await policy_on(admin, "all"))["id"]
    database = Database(admin.service.settings.database_url.value, pool=1, timeout=20)
    async with database.write() as db:
        # As whoever changes policies begins.
        await db.execute(text("UPDATE users SET updated_at = updated_at WHERE is_admin"))
        await db.execute(text(loss))
        where = path.format(alice=alice.id, policy=there)
        asking = asyncio.create_task(admin.call(method, where, json=sent))
        # It is believed, since nothing is committed yet, and waits for us.
        done, _ = await asyncio.wait({asking}, timeout=0.3)
        assert not done
    await database.close()
    status, said = await asking
    assert status == refusal, said


async def test_a_change_in_one_process_is_in_force_in_another(start: Start) -> None:
    here, there = await start(), await start()
    _, made = await ask(here, "POST", "/auth/setup")
    admin = await logged_in(here, made["username"], made["password"])
    alice = await registered(there, "alice")
    assert (await alice.call("GET", "/auth/users"))[0] == 403
    rule = await add(admin, "auth_users", "read", "id = auth_user.id")
    assert len((await alice.call("GET", "/auth/users"))[1]["items"]) == 1
    assert (await asked(alice, "auth_users", "read"))["policy_id"] == rule["id"]
    where = f"/auth/policies/{rule['id']}"
    await admin.call("PUT", where, json={"expression": ""})
    assert len((await alice.call("GET", "/auth/users"))[1]["items"]) == 2
    await admin.call("DELETE", where)
    assert (await alice.call("GET", "/auth/users"))[0] == 403


async def test_who_is_under_a_rule_and_leaves_its_reach_meanwhile_is_not_changed(
    admin: Person, alice: Person, bob: Person
) -> None:
    rule = "auth_user.is_admin or (auth_user.username = 'alice' and name is null)"
    await add(admin, "auth_users", "update", rule)
    database = Database(admin.service.settings.database_url.value, pool=1, timeout=20)
    async with database.write() as db:
        await db.execute(text("UPDATE users SET name = 'B' WHERE id = :id"), {"id": bob.id})
        where = f"/auth/users/{bob.id}"
        asking = asyncio.create_task(alice.call("PUT", where, json={"first_name": "X"}))
        done, _ = await asyncio.wait({asking}, timeout=0.3)
        assert not done
    await database.close()
    assert (await asking)[0] == 404
    assert (await admin.call("GET", f"/auth/users/{bob.id}"))[1]["first_name"] is None
