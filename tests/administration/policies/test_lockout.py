"""Nobody locks all administrators out of the policies: by no route, and not two at the same moment."""

import asyncio
from typing import Any

import pytest

from tests.administration.policies.rules import DEFAULTS, add, policies, policy_on, promoted
from tests.self_service.people import GOOD, Person, basic

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BOSS = "auth_user.is_admin and auth_user.username = 'boss'"
EITHER = "auth_user.is_admin and auth_user.username in ('boss', 'chief')"


def is_refused(answer: tuple[int, Any]) -> bool:
    return answer[0] == 409 and answer[1]["code"] == "administrators_locked_out"


@sqlite
@pytest.mark.slow
async def test_no_rule_is_added_that_takes_a_right_from_all(admin: Person) -> None:
    for action in ("read", "create", "update", "delete"):
        for expression in (
            "auth_user.username = 'nobody'",
            "service = 'notes'",
            "auth_user.is_admin and service = 'notes'",
            "false",
            "not auth_user.is_admin",
            "auth_user.email = 'admin@example.com'",
        ):
            sent = {"table_name": "auth_policies", "action": action, "expression": expression}
            answer = await admin.call("POST", "/auth/policies", json=sent)
            assert is_refused(answer), sent
    assert (await policies(admin)).keys() == DEFAULTS.keys()


@sqlite
@pytest.mark.parametrize(
    "sent",
    [
        {"expression": "id = 'x'"},
        {"expression": "user_id = auth_user.id"},
        {"service": "notes"},
        {"table_name": "other"},
        {"action": "read"},
    ],
    ids=["filter", "of_the_row", "service", "table", "action"],
)
async def test_the_rule_is_not_changed_into_one_that_lets_nobody(
    admin: Person, sent: dict[str, str]
) -> None:
    there = await policy_on(admin, "auth_policies")
    where = f"/auth/policies/{there['id']}"
    assert is_refused(await admin.call("PUT", where, json=sent))
    assert await policy_on(admin, "auth_policies") == there
    assert is_refused(await admin.call("DELETE", where))
    assert (await admin.call("GET", where)) == (200, there)


@sqlite
async def test_the_rule_may_go_where_another_lets_as_much(admin: Person) -> None:
    there = await policy_on(admin, "auth_policies")
    everything = (await policies(admin))["all", "all", "all"]
    sent = {"expression": "auth_user.is_admin or user_id = auth_user.id"}
    await admin.call("PUT", f"/auth/policies/{everything['id']}", json=sent)
    assert (await admin.call("DELETE", f"/auth/policies/{there['id']}"))[0] == 200
    assert len(await policies(admin)) == 2


async def ended(admin: Person, boss: Person, how: str) -> tuple[int, Any]:
    """Return what is answered to the end of *boss*, who is named by the rule."""
    where = f"/auth/users/{boss.id}"
    match how:
        case "demote":
            return await admin.call("PUT", where, json={"is_admin": False})
        case "disable":
            return await admin.call("PUT", where, json={"is_active": False})
        case "delete":
            return await admin.call("DELETE", where)
    return await boss.in_browser("DELETE", "/auth/users/me", headers=basic(boss.name, GOOD))


@pytest.mark.parametrize("how", ["demote", "disable", "delete", "leave"])
@pytest.mark.slow
async def test_the_one_administrator_whom_the_rule_names_stays(admin: Person, how: str) -> None:
    boss = await promoted(admin, "boss")
    there = await policy_on(admin, "auth_policies")
    sent = {"expression": BOSS}
    assert (await admin.call("PUT", f"/auth/policies/{there['id']}", json=sent))[0] == 200
    assert (await admin.call("GET", "/auth/policies"))[0] == 403
    assert is_refused(await ended(admin, boss, how))
    assert (await boss.call("GET", "/auth/users/me"))[1]["is_admin"] is True
    assert len(await policies(boss)) == 3
    sent = {"expression": "auth_user.is_admin"}
    assert (await boss.call("PUT", f"/auth/policies/{there['id']}", json=sent))[0] == 200
    assert (await ended(admin, boss, how))[0] == 200


@pytest.mark.slow
async def test_of_two_whom_the_rule_names_and_who_go_at_once_one_stays(admin: Person) -> None:
    boss, chief = await promoted(admin, "boss"), await promoted(admin, "chief")
    there = await policy_on(admin, "auth_policies")
    await admin.call("PUT", f"/auth/policies/{there['id']}", json={"expression": EITHER})
    answers = await asyncio.gather(
        ended(admin, boss, "demote"), ended(admin, chief, "leave"), ended(boss, chief, "disable")
    )
    statuses = [status for status, _ in answers]
    assert 200 in statuses
    assert set(statuses) <= {200, 401, 403, 404, 409}
    left = [who for who in (boss, chief) if (await who.call("GET", "/auth/policies"))[0] == 200]
    assert len(left) == 1


@pytest.mark.slow
async def test_of_two_rules_that_leave_nobody_together_one_is_refused(admin: Person) -> None:
    boss, chief = await promoted(admin, "boss"), await promoted(admin, "chief")
    for _ in range(3):
        rules = [
            {"action": "read", "expression": "auth_user.username = 'boss'"},
            {"action": "delete", "expression": "auth_user.username = 'chief'"},
        ]
        answers = await asyncio.gather(
            *(
                who.call("POST", "/auth/policies", json={"table_name": "auth_policies", **rule})
                for who, rule in zip((boss, chief), rules, strict=True)
            )
        )
        assert sorted(status for status, _ in answers) == [201, 409]
        [made] = [said for status, said in answers if status == 201]
        who = boss if made["action"] == "read" else chief
        assert (await who.call("DELETE", f"/auth/policies/{made['id']}"))[0] == 200


@pytest.mark.slow
async def test_a_rule_that_names_one_and_his_end_at_once_do_not_both_happen(
    admin: Person,
) -> None:
    boss = await promoted(admin, "boss")
    there = await policy_on(admin, "auth_policies")
    change = admin.call("PUT", f"/auth/policies/{there['id']}", json={"expression": BOSS})
    (changed, _), (ended_, _) = await asyncio.gather(change, ended(admin, boss, "demote"))
    assert sorted((changed, ended_)) == [200, 409]
    left = boss if changed == 200 else admin
    assert (await left.call("GET", "/auth/policies"))[0] == 200


@pytest.mark.slow
async def test_of_many_who_add_the_same_one_does(admin: Person) -> None:
    sent = {"table_name": "todos", "action": "read", "expression": ""}
    answers = await asyncio.gather(
        *(admin.call("POST", "/auth/policies", json=sent) for _ in range(6))
    )
    assert sorted(status for status, _ in answers) == [201, *[409] * 5]
    codes = {said["code"] for status, said in answers if status == 409}
    assert codes == {"policy_exists"}
    made = await add(admin, "pages", "read", "")
    answers = await asyncio.gather(
        *(admin.call("DELETE", f"/auth/policies/{made['id']}") for _ in range(4))
    )
    assert sorted(status for status, _ in answers) == [200, 404, 404, 404]
