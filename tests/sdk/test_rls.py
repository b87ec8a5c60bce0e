"""Who asks, told to PostgreSQL: it holds for one transaction, and for nobody who comes after."""

import pytest
import sqlalchemy as sa

from dhq_auth.sdk import ANONYMOUS, Caller, NotEnforced, rls, rls_sql
from dhq_auth.sdk.filters import AskServer
from tests.policies.renderings import (
    APPLICATION,
    connected,
    engine_of,
    make_in_postgres,
    policies,
    secure,
    sqlite_with,
)

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.Text),
    sa.Column("email", sa.Text),
)
USERS = ("kim", "lee", "o'neil\\")
ROWS = [
    {"id": number, "user_id": user, "email": f"{user}@example.com"}
    for number, user in enumerate(USERS)
]


@pytest.fixture
async def url(postgres_url):
    await make_in_postgres(postgres_url, notes, ROWS)
    await secure(postgres_url, policies("user_id = auth_user.id"))
    return postgres_url


@pytest.fixture
async def one(url):
    """An engine with one connection, which all users share."""
    async with engine_of(url, APPLICATION, pool_size=1, max_overflow=0) as engine:
        yield engine


async def owners(db):
    return list((await db.execute(sa.select(notes.c.user_id))).scalars())


class Interrupted(Exception):
    """What happens in the middle of a request."""


@pytest.mark.postgres
async def test_users_who_take_turns_on_one_connection_never_see_what_is_anothers(one):
    for turn in range(12):
        user = USERS[turn % 3]
        async with one.begin() as db:
            await rls(db, Caller(user))
            assert await owners(db) == [user]
        async with one.begin() as db:
            assert await owners(db) == []  # whoever does not say who asks is nobody


async def broken_off(one, statement):
    async with one.begin() as db:
        await rls(db, Caller("kim"))
        await db.execute(sa.text(statement))
        raise Interrupted


@pytest.mark.postgres
async def test_nothing_is_left_by_one_whose_request_broke_off(one):
    for statement, fault in [("SELECT 1", Interrupted), ("SELECT 1 / 0", sa.exc.DBAPIError)]:
        with pytest.raises(fault):
            await broken_off(one, statement)
        async with one.begin() as db:
            assert await owners(db) == []


@pytest.mark.postgres
async def test_what_was_said_ends_with_the_transaction_on_the_same_connection(one):
    async with one.connect() as db:
        for end in (db.commit, db.rollback):
            await db.begin()
            await rls(db, Caller("kim"))
            assert await owners(db) == ["kim"]
            await end()
            assert await owners(db) == []
            await db.rollback()


@pytest.mark.postgres
async def test_a_savepoint_that_is_rolled_back_takes_its_user_with_it(one):
    async with one.begin() as db:
        await rls(db, Caller("kim"))
        savepoint = await db.begin_nested()
        await rls(db, Caller("lee"))
        assert await owners(db) == ["lee"]
        await savepoint.rollback()
        assert await owners(db) == ["kim"]
        kept = await db.begin_nested()
        await rls(db, Caller("o'neil\\"))
        await kept.commit()
        assert await owners(db) == ["o'neil\\"]


@pytest.mark.postgres
async def test_the_anonymous_caller_has_nothing_of_who_asked_before(one):
    async with one.begin() as db:
        await rls(db, Caller("kim", {}, {"v": 1, "user": {"is_admin": True}, "rules": {}}))
        await rls(db, ANONYMOUS)
        names = ("user_id", "username", "email", "is_admin")
        told = [f"current_setting('dhq_auth.{name}')" for name in names]
        assert (await db.execute(sa.text(f"SELECT {', '.join(told)}"))).one() == (
            "",
            "",
            "",
            "false",
        )


@pytest.mark.postgres
async def test_it_is_refused_outside_of_a_transaction(one):
    async with one.connect() as db:
        with pytest.raises(NotEnforced, match="begin a transaction"):
            await rls(db, Caller("kim"))
    automatic = one.execution_options(isolation_level="AUTOCOMMIT")
    async with automatic.connect() as db:
        await db.begin()  # which SQLAlchemy pretends
        with pytest.raises(NotEnforced, match="begin a transaction"):
            await rls(db, Caller("kim"))


@pytest.mark.postgres
@pytest.mark.parametrize("exempt", ["SUPERUSER", "BYPASSRLS"])
async def test_a_role_that_is_held_to_no_policy_is_refused(url, postgres, exempt):
    role = f"exempt_{exempt.lower()}"
    postgres.execute(f"CREATE ROLE {role} LOGIN {exempt} PASSWORD 'only-for-tests'")
    try:
        async with engine_of(url, role) as engine, engine.begin() as db:
            with pytest.raises(NotEnforced, match="superuser or has BYPASSRLS"):
                await rls(db, Caller("kim"))
    finally:
        postgres.execute(f"DROP ROLE {role}")


async def test_sqlite_has_no_row_level_security():
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer))
    async with sqlite_with(table, [{"id": 1}]) as engine, engine.begin() as db:
        with pytest.raises(NotEnforced, match="sqlite"):
            await rls(db, Caller("kim"))


@pytest.mark.postgres
async def test_a_connection_that_is_not_async_is_told_at_once(one):
    def ask(connection):
        rls(connection, Caller("lee"))
        return list(connection.execute(sa.select(notes.c.user_id)).scalars())

    async with one.begin() as db:
        assert await db.run_sync(ask) == ["lee"]


@pytest.mark.postgres
async def test_asyncpg_alone_is_told_by_a_statement(url):
    statement, values = rls_sql(Caller("o'neil\\"))
    async with connected(url, APPLICATION) as connection:
        async with connection.transaction():
            await connection.execute(statement, *values)
            found = await connection.fetch("SELECT user_id FROM notes")
            assert [row["user_id"] for row in found] == ["o'neil\\"]
        await connection.execute(statement, *values)  # outside: of no effect on what follows
        assert await connection.fetch("SELECT * FROM notes") == []


def test_psycopg_gets_its_own_marks():
    statement, values = rls_sql(Caller("kim"), "update", style="format")
    assert statement.count("%s") == len(values) == 5
    assert "$" not in statement
    assert values == ["kim", "", "", "false", "update"]


@pytest.mark.postgres
async def test_what_the_rules_ask_of_the_caller_comes_from_the_token(url):
    expression = "email = auth_user.email and user_id != auth_user.username or auth_user.is_admin"
    await secure(url, policies(expression))
    callers = [
        ({"email": "kim@example.com", "username": "lee"}, ["kim"]),
        ({"email": "kim@example.com"}, []),
        ({"is_admin": True}, list(USERS)),
        ({"is_admin": False}, []),
        ({}, []),
    ]
    async with engine_of(url, APPLICATION) as engine:
        for user, expected in callers:
            claims = {"sub": "x", "userid": "x", "filters": {"v": 1, "user": user, "rules": {}}}
            for who in (claims, Caller("x", {}, claims["filters"])):
                async with engine.begin() as db:
                    await rls(db, who)
                    assert await owners(db) == expected, user


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a", "userid": "b"},
        {"sub": "a\0"},
        {"sub": "a", "filters": {}},
        {"sub": "a", "filters": {"v": 2, "user": {}}},
        {"sub": "a", "filters": {"v": 1, "user": ["is_admin"]}},
        {"sub": "a", "filters": {"v": 1, "user": {"is_admin": "true"}}},
        {"sub": "a", "filters": {"v": 1, "user": {"is_admin": 1}}},
        {"sub": "a", "filters": {"v": 1, "user": {"email": ["x"]}}},
        {"sub": "a", "filters": {"v": 1, "user": {"username": "x\0"}}},
    ],
    ids=str,
)
def test_claims_of_another_form_are_refused(claims):
    with pytest.raises(ValueError, match=r"claim|text|is_admin"):
        rls_sql(claims)


def test_a_token_without_room_for_what_the_rules_ask_is_not_guessed_at():
    with pytest.raises(AskServer):
        rls_sql(Caller("kim", {}, {"v": 1, "ask": True}))


@pytest.mark.parametrize("action", ["all", "READ", "", "x'"])
def test_what_is_no_action_is_refused(action):
    with pytest.raises(ValueError, match="an action is one of"):
        rls_sql(Caller("kim"), action)
