"""One policy, put to rows in every way there is: the answers are the same."""

from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from dhq_auth.policies.caller import ANONYMOUS
from dhq_auth.sdk import Denied, check, rls, rows
from tests.policies.compared import (
    ADMIN,
    CASTS,
    EVERY,
    KIM,
    NUMBERS,
    PLAIN,
    ROWS,
    USERS,
    UUID_USER,
    notes,
)
from tests.policies.renderings import (
    APPLICATION,
    OWNER,
    caller,
    database,
    decided,
    engine_of,
    make_in_postgres,
    policies,
    secure,
    sqlite_with,
)


@pytest.fixture(scope="module")
def postgres_rows(postgres):
    """A PostgreSQL database with the rows."""
    import asyncio  # noqa: PLC0415

    url = database(postgres)
    asyncio.run(make_in_postgres(url, notes, ROWS))
    return url


@asynccontextmanager
async def sqlite_rows():
    async with sqlite_with(notes, ROWS) as engine:
        yield engine


def reached(expression, user, action="read"):
    """Return the ids that Python says are reached."""
    decision = decided(policies(expression), action, user)
    return [row["id"] for row in ROWS if decision.reaches(row)]


async def ids(db, statement, params=None):
    found = await db.execute(statement, params or {})
    return sorted(found.scalars())


async def check_statements(engine, expression, *, plain):
    there = policies(expression)
    async with engine.connect() as db:
        for user in USERS:
            expected = reached(expression, user)
            decision = decided(there, "read", user)
            assert await ids(db, rows(sa.select(notes.c.id), decision)) == expected, user
            if plain and decision.tree:
                text = sa.text(f"SELECT id FROM notes WHERE {decision.where}")  # noqa: S608
                numbers = [
                    sa.bindparam(name, type_=NUMBERS[type(value)])
                    for name, value in decision.params.items()
                    if type(value) in NUMBERS
                ]
                assert await ids(db, text.bindparams(*numbers), decision.params) == expected, user
            await check_writing(db, there, user, expected)


async def check_writing(db, there, user, expected):
    """Rows that may be changed and deleted are the same ones."""
    one = rows(sa.update(notes).values(score=0), decided(there, "update", user))
    gone = rows(sa.delete(notes), decided(there, "delete", user))
    for statement in (one, gone):
        savepoint = await db.begin_nested()
        assert await ids(db, statement.returning(notes.c.id)) == expected, user
        await savepoint.rollback()


@pytest.mark.parametrize(("expression", "casts"), EVERY)
@pytest.mark.slow
async def test_sqlite_and_python_agree(expression, casts):
    async with sqlite_rows() as engine:
        await check_statements(engine, expression, plain=casts is not CASTS)


@pytest.mark.postgres
@pytest.mark.parametrize(("expression", "casts"), EVERY)
async def test_postgresql_and_python_agree(postgres_rows, expression, casts):
    async with engine_of(postgres_rows) as engine:
        await check_statements(engine, expression, plain=casts is not CASTS)


@pytest.mark.postgres
@pytest.mark.parametrize(("expression", "casts"), EVERY)
async def test_row_level_security_and_python_agree(postgres_rows, expression, casts):
    await secure(postgres_rows, policies(expression), casts)
    async with engine_of(postgres_rows, APPLICATION) as engine, engine.connect() as db:
        for user in USERS:
            expected = reached(expression, user)
            await rls_begun(db, user, "read")
            assert await ids(db, sa.select(notes.c.id)) == expected, user
            await rls(db, caller(user), "update")
            assert await ids(db, sa.select(notes.c.id).with_for_update()) == expected, user
            await rls(db, caller(user), "delete")
            assert await ids(db, sa.delete(notes).returning(notes.c.id)) == expected, user
            await db.rollback()


@pytest.mark.postgres
@pytest.mark.parametrize("expression", ["user_id = auth_user.id", "flag", "1 = 2"])
async def test_the_owner_of_the_table_is_held_to_its_policies_too(postgres_rows, expression):
    await secure(postgres_rows, policies(expression), CASTS)
    async with engine_of(postgres_rows, OWNER) as engine, engine.connect() as db:
        for user in (ANONYMOUS, KIM, ADMIN):
            await rls_begun(db, user, "read_mine")
            assert await ids(db, sa.select(notes.c.id)) == reached(expression, user), user
            await db.rollback()


async def rls_begun(db, user, action):
    await db.begin()
    await rls(db, caller(user), action)


async def tried(db, statement):
    """Return the ids that *statement* writes, or None if a policy forbids it."""
    savepoint = await db.begin_nested()
    try:
        return await ids(db, statement.returning(notes.c.id))
    except DBAPIError as error:
        if error.orig.sqlstate != "42501":
            raise
        return None
    finally:
        await savepoint.rollback()


def may_be(row, decision):
    try:
        return check(row, decision, CASTS)
    except Denied:
        return None


WRITERS = (ANONYMOUS, KIM, UUID_USER)
SOME_ROWS = (ROWS[0], ROWS[1], ROWS[3], ROWS[7])
WRITTEN = [
    *(PLAIN[number] for number in (0, 1, 3, 4, 5, 6, 12, 25, 26, 32, 33, 43)),
    "owner = auth_user.id",
    "number = auth_user.username and flag",
    "user_id = auth_user.id and flag = true and order = 3",
]


@pytest.mark.postgres
@pytest.mark.parametrize("expression", WRITTEN)
async def test_a_row_may_be_made_if_both_say_so(postgres_rows, expression):
    there = policies(expression)
    await secure(postgres_rows, there, CASTS)
    async with engine_of(postgres_rows, APPLICATION) as engine, engine.connect() as db:
        for user in WRITERS:
            decision = decided(there, "create", user)
            await rls_begun(db, user, "create")
            for row in SOME_ROWS:
                new = {**row, "id": 100}
                made = may_be(new, decision)
                if made is not None:
                    assert await tried(db, sa.insert(notes).values(made)) == [100], (user, row)
                as_sent = [100] if decided(there, "read", user).reaches(new) else None
                assert await tried(db, sa.insert(notes).values(new)) == as_sent, (user, row)
            await db.rollback()


@pytest.mark.postgres
@pytest.mark.parametrize("expression", WRITTEN)
async def test_a_row_may_be_changed_if_both_say_so(postgres_rows, expression):
    there = policies(expression)
    await secure(postgres_rows, there, CASTS)
    async with engine_of(postgres_rows, APPLICATION) as engine, engine.connect() as db:
        for user in WRITERS:
            decision = decided(there, "update", user)
            await rls_begun(db, user, "update")
            for old in SOME_ROWS:
                for new in SOME_ROWS:
                    values = {**new, "id": old["id"]}
                    kept = may_be(values, decision) is not None
                    expected = ([old["id"]] if kept else None) if decision.reaches(old) else []
                    change = sa.update(notes).where(notes.c.id == old["id"]).values(values)
                    assert await tried(db, change) == expected, (user, old, new)
            await db.rollback()


@pytest.mark.postgres
async def test_each_action_goes_by_its_own_policy(postgres_rows):
    given = {
        "read": "flag",
        "read_mine": "user_id = auth_user.id",
        "create": "",
        "update": "order > 0",
        "delete": "Title = auth_user.username",
    }
    there = policies(given)
    await secure(postgres_rows, there, {})
    async with engine_of(postgres_rows, APPLICATION) as engine, engine.connect() as db:
        for action in ("read", "read_mine", "update", "delete"):
            expected = reached(given[action], KIM)
            await rls_begun(db, KIM, action)
            statements = {
                "update": sa.update(notes).values(score=1).returning(notes.c.id),
                "delete": sa.delete(notes).returning(notes.c.id),
            }
            statement = statements.get(action, sa.select(notes.c.id))
            assert await ids(db, statement) == expected, action
            await db.rollback()
        await rls_begun(db, KIM, "create")
        assert await tried(db, sa.insert(notes).values(id=100, flag=False)) == [100]
        await db.rollback()


@pytest.mark.postgres
async def test_a_statement_of_another_action_reaches_no_more_than_both(postgres_rows):
    await secure(postgres_rows, policies({"read": "flag", "update": "order > 0"}), {})
    async with engine_of(postgres_rows, APPLICATION) as engine, engine.connect() as db:
        await rls_begun(db, KIM, "read")
        both = sorted({*reached("flag", KIM)} & {*reached("order > 0", KIM)})
        change = sa.update(notes).values(score=1).returning(notes.c.id)
        assert await ids(db, change) == both
        assert await tried(db, sa.insert(notes).values(id=100)) is None
        assert await ids(db, sa.delete(notes).returning(notes.c.id)) == []
        await db.rollback()
