"""`dhq-auth doctor` on policies: those that were written past us, or do not do what they seem to."""

import asyncio

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.cli.conftest import Cli
from tests.cli.policy.conftest import Policies, WriteStraight

pytestmark = pytest.mark.slow

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ACTIONS = ("create", "read", "update", "delete", "read_mine")


def test_policies_in_order_are_said_to_be(policy: Policies):
    ended = policy.cli("doctor", "--json")
    assert ended.found("policies") == ["3: each can be read, and can decide → None"]


def test_a_faulty_expression_is_a_fault_with_its_place(
    policy: Policies, write_straight: WriteStraight
):
    write_straight("notes", "read", "a = = 1", id="by-hand")
    ended = policy.cli("doctor", "--json")
    assert ended.code == 1
    (said,) = ended.found("policies", "fault")
    assert said.startswith("by-hand (all notes read) denies, since it cannot be read: Character 5")
    assert said.endswith("→ dhq-auth policy update by-hand --expression …")
    policy.done("update", "by-hand", "--expression", "a = 1")
    assert policy.cli("doctor", "--json").code == 0


@SQLITE
@pytest.mark.parametrize(
    ("what", "said"),
    [
        (("todos", "all", "unheard"), "unheard is not in ALLOWED_SERVICES"),
        (("todos", "list", "all"), "The action must be one of"),
        (("to dos", "all", "all"), "The table_name must be"),
        (("auth_users", "all", "notes"), "does not guard auth_users of dhq-auth"),
        (("auth_policies", "read", "notes"), "does not guard auth_policies of dhq-auth"),
    ],
)
def test_a_policy_that_never_decides_is_warned_of(
    policy: Policies, write_straight: WriteStraight, what: tuple[str, str, str], said: str
):
    table, action, service = what
    write_straight(table, action, "", service=service, id="p7")
    ended = policy.cli("doctor", "--json", ALLOWED_SERVICES="notes:static", PROVIDER_NOTES_FILE="x")
    (warned,) = ended.found("policies", "warning")
    assert said in warned
    assert warned.endswith("→ dhq-auth policy delete p7")


@SQLITE
def test_a_policy_for_all_actions_never_decides_where_each_has_its_own(policy: Policies):
    policy.done("add", "todos", "all", "false")
    for action in ACTIONS[:-1]:
        policy.done("add", "todos", action, "")
    assert policy.cli("doctor", "--json").found("policies", "warning") == []
    policy.done("add", "todos", ACTIONS[-1], "")
    (warned,) = policy.cli("doctor", "--json").found("policies", "warning")
    assert "there is a policy for each single action" in warned


def test_that_all_administrators_are_locked_out_is_a_fault(policy: Policies, database_url: str):
    asyncio.run(_execute(database_url, "DELETE FROM policies WHERE table_name = 'auth_policies'"))
    ended = policy.cli("doctor", "--json")
    assert ended.code == 1
    (said,) = ended.found("policies", "fault")
    assert "no administrator can read and change the policies" in said


@SQLITE
def test_where_there_is_no_administrator_yet_the_first_is_meant(
    on_database: Cli, database_url: str
):
    asyncio.run(_execute(database_url, "DELETE FROM policies"))
    (fault,) = on_database("doctor", "--json").found("policies", "fault")
    assert "no administrator can" in fault


@SQLITE
def test_many_faults_are_counted(policy: Policies, write_straight: WriteStraight):
    for number in range(22):
        write_straight(f"t{number}", "all", "= 1")
    ended = policy.cli("doctor", "--json")
    assert len(ended.found("policies", "fault")) == 20
    (more,) = ended.found("policies", "warning")
    assert more.startswith("2 more")


async def _execute(url: str, sql: str) -> None:
    database = Database(url, pool=1, timeout=10)
    try:
        async with database.write() as db:
            await db.execute(text(sql))
    finally:
        await database.close()
