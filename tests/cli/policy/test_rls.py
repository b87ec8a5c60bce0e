"""`dhq-auth policy rls`: what it prints, and what it refuses to."""

import asyncio

import pytest
import sqlalchemy as sa

from tests.policies.renderings import APPLICATION, engine_of, make_in_postgres, run_script

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.BigInteger),
)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_it_prints_holds_in_the_database_of_the_application(policy, postgres_url):
    policy.done("add", "notes", "read", "user_id = 7", "Seven's are for all.", "--service", "notes")
    printed = policy.done(
        *("rls", "--table", "notes", "--service", "notes"), *("--cast", "user_id=bigint")
    )
    assert printed.err == ""

    async def seen() -> list[int]:
        rows = [{"id": number, "user_id": number} for number in (6, 7, 8)]
        await make_in_postgres(postgres_url, notes, rows)
        await run_script(postgres_url, printed.out)
        async with engine_of(postgres_url, APPLICATION) as engine, engine.connect() as db:
            return list((await db.execute(sa.select(notes.c.id))).scalars())

    assert asyncio.run(seen()) == [7]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_as_json_it_says_which_policy_decides_what(policy):
    found = policy.done("rls", "--table", "notes", "--json").json
    default = policy.id_of("all")
    assert {rule["policy_id"] for rule in found["rules"].values()} == {default}
    assert found["table"] == '"notes"'
    assert found["script"].startswith('-- Row-level security for "notes"')
    assert all(statement in found["script"] for statement in found["statements"])
    assert not any(word in "".join(found["statements"]) for word in ("BEGIN;\n", "COMMIT"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_denied_for_want_of_a_policy_is_said_beside_it(policy, write_straight):
    policy.done("delete", policy.id_of("all"))
    write_straight("notes", "delete", "user_id = = 1", id="bad")
    policy.done("add", "notes", "read", "", "Everybody reads.")
    printed = policy.done("rls", "--table", "notes", "--cast", "user_idd=uuid")
    assert "create: no policy is for this" in printed.err
    assert "delete: policy bad cannot be read, so it denies: character 11" in printed.err
    assert "--cast user_idd: no policy on this table speaks of that column" in printed.err
    assert "read: " not in printed.err
    assert "FOR DELETE USING (false)" in printed.out


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.slow
def test_wrong_usage_is_refused_before_anything_is_printed(policy):
    for arguments, code in [
        (["--table", "notes", "--cast", "user_id"], 2),
        (["--table", "notes", "--cast", "user_id=money"], 2),
        (["--table", "notes", "--cast", "a=text", "--cast", "a=uuid"], 2),
        (["--table", "notes", "--cast", 'a"=text'], 1),
        ([], 2),
        (["--table", "all"], 1),
        (["--table", "a b"], 1),
        (["--table", "notes", "--schema", 'x"; --'], 1),
        (["--table", "notes", "--service", "a b"], 1),
    ]:
        ended = policy("rls", *arguments)
        assert (ended.code, ended.out) == (code, ""), arguments
        assert ended.err, arguments
