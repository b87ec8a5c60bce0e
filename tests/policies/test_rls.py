"""What `policy rls` prints, run in a real PostgreSQL."""

import asyncio

import asyncpg
import pytest

from dhq_auth.policies.rls import table_security
from dhq_auth.sdk.row_security import rls_sql
from tests.policies.renderings import (
    APPLICATION,
    caller,
    connected,
    policies,
    run_script,
    secure,
)
from tests.policies.rows import ADA, ADMIN, NOBODY, rules
from tests.policies.secured import as_superuser, seen

pytestmark = pytest.mark.postgres


async def policies_of(url):
    found = await as_superuser(url, "SELECT policyname FROM pg_policies ORDER BY policyname")
    return [row["policyname"] for row in found]


async def test_it_can_be_run_again_and_again_and_after_each_change(url):
    for expression, expected in [
        ("user_id = auth_user.id", [1]),
        ("user_id = auth_user.id", [1]),
        ("user_id is null", [3]),
        ("", [1, 2, 3]),
    ]:
        await secure(url, policies(expression))
        assert await seen(url, ADA) == expected
        assert await policies_of(url) == [
            f"dhq_auth_{command}" for command in ("delete", "insert", "select", "update")
        ]


async def test_older_policies_of_ours_go_whatever_they_were_called(url):
    await as_superuser(url, 'CREATE POLICY "dhq_auth_old; --" ON notes USING (true)')
    await secure(url, policies("user_id = auth_user.id"))
    assert await seen(url, ADA) == [1]
    assert len(await policies_of(url)) == 4


async def test_two_who_run_it_at_once_both_succeed(url):
    there = policies("user_id = auth_user.id")
    await asyncio.gather(*(secure(url, there) for _ in range(4)))
    assert len(await policies_of(url)) == 4


async def test_policies_of_others_that_allow_more_stop_it_and_nothing_is_changed(url):
    await secure(url, policies("1 = 2"))
    await as_superuser(url, "CREATE POLICY theirs ON notes USING (true)")
    with pytest.raises(asyncpg.RaiseError, match=r"has other policies.*theirs"):
        await secure(url, policies(""))
    held = await as_superuser(
        url, "SELECT qual FROM pg_policies WHERE policyname = 'dhq_auth_select'"
    )
    assert held[0]["qual"] == "false"


async def test_policies_of_others_that_only_restrict_stay(url):
    await as_superuser(url, "CREATE POLICY theirs ON notes AS RESTRICTIVE USING (id > 1)")
    await secure(url, policies(""))
    assert await seen(url, ADA) == [2, 3]


async def test_who_does_not_own_the_table_cannot_run_it(url):
    script = table_security(policies(""), "notes").script()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run_script(url, script, role=APPLICATION)


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("nothing_like_it = 1", "columns that notes lacks: nothing_like_it"),
        ("ctid = '(0,1)'", "columns that notes lacks: ctid"),
        ("notes is not null", "columns that notes lacks: notes"),
        ("Title = 'a'", 'columns that notes lacks: "Title"'),
        ("title < other", "--cast COLUMN=text: other, title"),
    ],
)
async def test_what_could_not_hold_as_it_is_meant_is_refused(url, expression, fault):
    with pytest.raises(asyncpg.RaiseError) as refused:
        await secure(url, policies(expression))
    assert fault in str(refused.value)
    assert await policies_of(url) == []


async def test_a_column_of_another_type_wants_a_cast(url):
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await secure(url, policies("id = auth_user.id"))
    assert await policies_of(url) == []
    await secure(url, policies("id = auth_user.id"), {"id": "integer"})
    assert await seen(url, ADA) == [1]


async def test_an_enumeration_goes_by_its_words(url):
    await as_superuser(
        url,
        "CREATE TYPE letter AS ENUM ('c', 'b')",
        "ALTER TABLE notes ADD letter letter DEFAULT 'b'",
        "UPDATE notes SET letter = 'c' WHERE id = 1",
    )
    for expression, expected in [
        ("letter = 'b'", [2, 3]),
        ("letter > 'b'", [1]),
        ("letter='x'", []),
    ]:
        await secure(url, policies(expression), {"letter": "text"})
        assert await seen(url, ADA) == expected


async def test_texts_are_put_in_order_by_code_point_whatever_the_collation(url):
    qualified = "SELECT qual FROM pg_policies WHERE policyname = 'dhq_auth_select'"
    for expression, casts in [("title < 'a'", {}), ("title < other", {"title": "text"})]:
        await secure(url, policies(expression), casts)
        assert await seen(url, ADA) == [2]
        ((held,),) = await as_superuser(url, qualified)
        assert 'COLLATE "C"' in held


async def test_a_column_in_which_different_texts_are_the_same_is_refused(url):
    await as_superuser(
        url,
        'CREATE COLLATION loose FROM "POSIX"',
        # What only collations of ICU can be, which not every build has.
        "UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'loose'",
        "ALTER TABLE notes ALTER user_id TYPE text COLLATE loose",
    )
    with pytest.raises(asyncpg.RaiseError, match=r"different texts are the same.*user_id"):
        await secure(url, policies("user_id = auth_user.id"))


@pytest.mark.parametrize(
    "there", [{}, policies("user_id = = 1"), policies("true; DROP TABLE notes")]
)
async def test_no_policy_and_a_faulty_one_allow_nothing(url, there):
    await secure(url, there)
    for user in (ADA, ADMIN, NOBODY):
        assert await seen(url, user) == []


async def test_who_was_not_named_is_nobody(url):
    await secure(url, policies("user_id = auth_user.id or auth_user.is_admin"))
    async with connected(url, APPLICATION) as connection:
        assert await connection.fetch("SELECT id FROM notes") == []
        await connection.execute("SET dhq_auth.is_admin = 'maybe'; SET dhq_auth.user_id = ''")
        assert await connection.fetch("SELECT id FROM notes") == []


async def test_the_same_rule_for_all_actions_uses_the_index(url):
    await secure(url, policies("user_id = auth_user.id"))
    async with connected(url, APPLICATION) as connection:
        await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch("EXPLAIN SELECT * FROM notes"))
    assert "Index Scan using ix_notes_user_id" in plan
    assert "InitPlan" in plan  # who asks is read once, not for each row


async def test_a_table_may_be_in_a_schema_of_its_own(url):
    await as_superuser(
        url,
        'CREATE SCHEMA "My-App" AUTHORIZATION rows_owner',
        'ALTER TABLE notes SET SCHEMA "My-App"',
    )
    there = policies("1 = 2")
    await run_script(url, table_security(there, "notes", schema="My-App").script())
    dotted = rules(("My-App.notes", "all", "1 = 2"))
    await run_script(url, table_security(dotted, "My-App.notes").script())
    assert len(await policies_of(url)) == 4


async def test_an_index_is_used_though_actions_differ(url):
    own = "user_id = auth_user.id"
    await secure(url, policies({"all": own, "read": f"{own} and title = 'a'"}))
    async with connected(url, APPLICATION) as connection, connection.transaction():
        statement, values = rls_sql(caller(ADA), "read")
        await connection.execute(statement, *values)
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = await connection.fetch("EXPLAIN SELECT id FROM notes")
    assert "Index Cond: (user_id" in "".join(row[0] for row in plan)
