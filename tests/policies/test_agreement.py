"""One policy, put to rows in every way there is: the answers are the same."""

from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from dhq_auth.policies.caller import ANONYMOUS, AuthUser
from dhq_auth.sdk import Denied, check, rls, rows
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

KIM = AuthUser(id="u1", username="kim", email="kim@example.com")
QUOTE = AuthUser(id="o'neil\\", username='"; --', email="ä@example.com")
ADMIN = AuthUser(id="7", username="root", is_admin=True)
UUID_USER = AuthUser(id="0B0E7A4C-9D3F-4C6B-8E2A-111111111111", username="42")
HUGE = AuthUser(id="99999999999999999999", username="9223372036854775808", email="1.5")
USERS = (ANONYMOUS, KIM, QUOTE, ADMIN, UUID_USER, HUGE)

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.Text),
    sa.Column("Title", sa.Text),
    sa.Column("order", sa.Integer),
    sa.Column("flag", sa.Boolean),
    sa.Column("select", sa.Boolean),
    sa.Column("score", sa.Double),
    sa.Column("amount", sa.Numeric(12, 3)),
    sa.Column("owner", sa.Uuid),
    sa.Column("number", sa.SmallInteger),
    sa.Column("due", sa.Date),
    sa.Column("made", sa.DateTime(timezone=True)),
)
CASTS = {
    "user_id": "text",
    "Title": "text",
    "owner": "uuid",
    "number": "smallint",
    "due": "date",
    "made": "timestamptz",
    "order": "integer",
    "score": "double precision",
    "amount": "numeric",
    "flag": "boolean",
    "select": "boolean",
}
_OWN = UUID(UUID_USER.id or "")
ROWS = [
    dict(zip(notes.columns.keys(), [number, *values], strict=True))
    for number, values in enumerate(
        [
            (None,) * 11,
            ("u1", "kim", 1, True, False, 0.1, Decimal("0.1"), _OWN, 42, date(2024, 2, 29), None),
            ("u1", "", 7, False, True, 1.5, Decimal("1.500"), None, 7, None, None),
            ("o'neil\\", '"; --', 0, None, True, -2.0, Decimal(-2), None, None, None, None),
            ("7", "Kim", -3, True, None, 7.0, Decimal(7), UUID(int=7), -7, date(1999, 1, 1), None),
            ("U1", "ä", 2**31 - 1, False, False, 1e300, None, None, 1, date(2024, 3, 1), None),
            ("", "Z", None, True, True, None, Decimal("0.3"), None, 0, None, None),
            ("42", "z", 42, None, None, 42.0, Decimal(42), _OWN, 42, None, None),
            ("😀", "\uffff", 5, True, False, 0.3, None, None, 5, None, None),
            (None, "kim", 1, True, True, 1.0, Decimal(1), UUID(int=1), 1, date(2024, 1, 1), None),
        ]
    )
]
for _row in ROWS[1:]:
    _row["made"] = datetime(2024, 1, 1, 12, _row["id"], tzinfo=UTC)

NUMBERS = {int: sa.BigInteger(), float: sa.Double()}
"""As what to bind the numbers of plain SQL: asyncpg would go by the column, and not be exact."""
PLAIN = [
    "",
    "user_id = auth_user.id",
    "auth_user.id = user_id",
    "user_id != auth_user.id",
    "not (user_id = auth_user.id)",
    "not (user_id = auth_user.id and not flag) or Title = auth_user.username",
    "auth_user.is_admin",
    "not auth_user.is_admin",
    "auth_user.is_authenticated and user_id is not null",
    "not auth_user.is_authenticated",
    "auth_user.email is null or user_id = auth_user.id",
    "auth_user.email is not null and flag",
    "flag",
    "not flag",
    "flag = select",
    "flag != select",
    "flag = auth_user.is_admin",
    "select in (true, auth_user.is_admin)",
    "order = 1",
    "order < 1",
    "order >= 2147483647",
    "order < 9223372036854775807 and order > -9223372036854775807",
    "order > 0.5",
    "order in (1, 7.0, 42)",
    "order not in (1, 7, 42)",
    "order not in (1, null)",
    "order in (1, null)",
    "order = score or score = order",
    "score = 0.1",
    "amount = 0.1",
    "amount in (0.1, 7, 1.5)",
    "score < amount",
    "user_id in ('u1', auth_user.id, Title)",
    "user_id not in ('u1', auth_user.id, Title)",
    "user_id not in ('u1', 'u2', null)",
    "auth_user.id in ('u1', user_id)",
    "auth_user.id not in ('u1', user_id)",
    "auth_user.username in ('kim', 'root') and order is not null",
    "auth_user.username < 'm' and user_id is not null",
    "Title < 'a'",
    "Title >= 'Z' and Title <= 'z'",
    "Title < user_id",
    "Title < auth_user.username",
    "Title = 'o''neil' or Title = '\"; --' or user_id = '😀'",
    "user_id = 'o''neil\\'",
    "user_id = ''",
    "user_id = null or null != null or null in (1, 2)",
    "1 = 1 and (2 > 3 or 'a' < 'b') and user_id is not null",
    "1 = 2",
    "Title is null or (user_id is null and flag is not null)",
]
TYPED = [
    "owner = auth_user.id",
    "owner != auth_user.id",
    "owner in (auth_user.id, '00000000-0000-0000-0000-000000000007', 'nonsense')",
    "owner not in (auth_user.id, '00000000-0000-0000-0000-000000000007')",
    "owner not in ('00000000-0000-0000-0000-000000000007', 'nonsense')",
    "owner = '00000000000000000000000000000007'",
    "owner = user_id or number = user_id",
    "number = auth_user.id",
    "number != auth_user.id",
    "number = auth_user.username",
    "number < auth_user.username",
    "number in (auth_user.username, '7')",
    "number not in (auth_user.username, '7', 'x')",
    "number = '99999999999999999999' or number = ' 7' or number = '\uff17'",
    "number < '999999'",
    "number = true",
    "number != true",
    "number in (true, false)",
    "number not in (true, false)",
    "amount < auth_user.email",
    "score >= auth_user.email",
    "score = auth_user.username or amount = auth_user.id",
    "due = '2024-02-29'",
    "due < '2024-01-01'",
    "due != '2024-02-30'",
    "made > '2024-01-01T12:03:00Z'",
    "made <= '2024-01-01T13:03:00+01:00'",
    "made < '2024-01-01 12:05'",
    "flag = 'true'",
    "flag = auth_user.username or Title = auth_user.username",
    "Title = 5",
    "owner = 5 or due = 1",
]
EVERY = [pytest.param(each, CASTS, id=each or "empty") for each in TYPED] + [
    pytest.param(each, {"Title": "text"}, id=each or "empty") for each in PLAIN
]


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
