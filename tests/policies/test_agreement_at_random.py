"""Expressions at random: what is left of them decides as the database decides the whole of them.

The expression itself is SQL, but for `auth_user.…`, which is bound, and for names that need quotes.
So the databases are asked what it means, with nothing of ours between.
"""

import random
import re
import sqlite3

import asyncpg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhq_auth.policies.caller import ANONYMOUS, AuthUser
from dhq_auth.policies.expression import parse
from dhq_auth.policies.nodes import ATTRIBUTES
from dhq_auth.policies.outcome import outcome
from dhq_auth.policies.rls import table_security
from dhq_auth.sdk.decision import Decision, Effect
from dhq_auth.sdk.row_security import rls_sql
from tests.policies.renderings import (
    APPLICATION,
    OWNER,
    caller,
    make_in_postgres,
    policies,
    url_of,
)

EXPRESSIONS = 250
"""On PostgreSQL, and twice as many on SQLite; each is put to 5 users and 60 rows: 225,000 triples."""
TEXTS = ["", "u1", "U1", "o'neil\\", '"; --', "ä", "é", "😀", "\uffff", "10", "9", "null", "x" * 40]
WHOLE = [-(2**31), -7, -1, 0, 1, 2, 7, 42, 2**31 - 1]
FRACTIONS = [-2.5, -0.1, 0.0, 0.1, 0.3, 1.0, 7.0, 42.5]
USERS = (
    ANONYMOUS,
    AuthUser(id="u1", username="U1", email="ä"),
    AuthUser(id="o'neil\\", username='"; --'),
    AuthUser(id="10", username="9", email="é", is_admin=True),
    AuthUser(id="😀", email="null", is_admin=True),
)
COLUMNS = {
    "text": ["user_id", "Title", "user"],
    "number": ["order", "number", "Score", "between"],
    "boolean": ["flag", "select", "Is_Open"],
}
POOLS = {"text": TEXTS, "number": WHOLE, "boolean": [True, False]}
ATTRIBUTES_OF = {
    "text": ["auth_user.id", "auth_user.username", "AUTH_USER.Email"],
    "number": [],
    "boolean": ["auth_user.is_admin", "auth_user.is_authenticated"],
}
TYPES = {
    "order": sa.Integer,
    "number": sa.BigInteger,
    "Score": sa.Double,
    "between": sa.SmallInteger,
}

table = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    *(sa.Column(name, sa.Text) for name in COLUMNS["text"]),
    *(sa.Column(name, TYPES[name]) for name in COLUMNS["number"]),
    *(sa.Column(name, sa.Boolean) for name in COLUMNS["boolean"]),
)


def made_rows():
    """Rows of values that meet those of users and literals, each third one of them NULL."""
    chosen = random.Random(4)  # noqa: S311 - the same rows in every run

    def value(column):
        if column.name == "id" or chosen.random() < 0.3:
            return None
        kind = next(kind for kind, names in COLUMNS.items() if column.name in names)
        pool = FRACTIONS if column.name == "Score" else POOLS[kind]
        found = chosen.choice(pool)
        return max(-(2**15), min(found, 2**15 - 1)) if column.name == "between" else found

    rows = [{column.name: value(column) for column in table.columns} for _ in range(60)]
    rows[0] = dict.fromkeys(rows[0])
    return [{**row, "id": number} for number, row in enumerate(rows)]


ROWS = made_rows()

literals = {
    "text": st.sampled_from(TEXTS).map(lambda text: "'" + text.replace("'", "''") + "'"),
    "number": st.sampled_from(
        [*map(str, WHOLE), "0.1", "-2.5", "7.0", "1.5", "9223372036854775807"]
    ),
    "boolean": st.sampled_from(["true", "false", "TRUE"]),
}
CASTS = dict.fromkeys(COLUMNS["text"], "text")


def operands(kind):
    known = [*COLUMNS[kind], *ATTRIBUTES_OF[kind]]
    return st.one_of(
        st.sampled_from(known), st.sampled_from(known), literals[kind], st.just("null")
    )


def comparisons(kind):
    operators = ["=", "!=", "<>", "=", *(["<", "<=", ">", ">="] if kind != "boolean" else [])]
    operand = operands(kind)
    compared = st.builds("{} {} {}".format, operand, st.sampled_from(operators), operand)
    items = st.lists(operand, min_size=1, max_size=4).map(", ".join)
    listed = st.builds("{} {} ({})".format, operand, st.sampled_from(["in", "not in"]), items)
    tested = st.builds("{} {}".format, operand, st.sampled_from(["is null", "IS NOT NULL"]))
    return st.one_of(compared, compared, listed, tested)


conditions = st.one_of(
    *map(comparisons, COLUMNS),
    st.sampled_from([*COLUMNS["boolean"], *ATTRIBUTES_OF["boolean"], "true", "false"]),
)
expressions = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("not {}".format, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("not ({} and {})".format, inner, inner),
    ),
    max_leaves=8,
)

SQL_TYPES = {bool: "boolean", int: "bigint", float: "double precision"}
_PARAMETERS = re.compile(r"'(?:[^']|'')*'|:(\w+)")
_WORDS = re.compile(r"'(?:[^']|'')*'|auth_user\.(\w+)|[A-Za-z_]\w*", re.IGNORECASE)


def as_sql(expression, bound):
    """Return *expression* as SQL: *bound* gives what stands for an attribute of the caller."""

    def spelt(found):
        word = found.group()
        if found.group(1):
            return bound(found.group(1).lower())
        return f'"{word}"' if word in table.columns else word

    return _WORDS.sub(spelt, expression)


def values_of(user):
    return {name: getattr(user, name) for name in ATTRIBUTES}


class Sqlite:
    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        engine = sa.create_engine("sqlite://", creator=lambda: self.connection)
        with engine.begin() as db:
            table.metadata.create_all(db)
            db.execute(sa.insert(table), ROWS)

    def ids(self, where, params):
        found = self.connection.execute(f"SELECT id FROM notes WHERE {where}", params)  # noqa: S608
        return {number for (number,) in found}

    def whole(self, expression, user):
        return self.ids(as_sql(expression, ":{}".format), values_of(user))


class Postgres:
    def __init__(self, connection, owner, secured) -> None:
        self.connection, self.owner, self.secured = connection, owner, secured

    async def secure(self, expression):
        """Let row-level security say what *expression* does."""
        security = table_security(policies(expression), "notes", casts=CASTS)
        await self.owner.execute(security.script())

    async def ids(self, where, params):
        """Return what the condition reaches; its parameters get numbers, and types."""
        values = []

        def numbered(found):
            if not found.group(1):
                return found.group()
            values.append(params[found.group(1)])
            return f"CAST(${len(values)} AS {SQL_TYPES.get(type(values[-1]), 'text')})"

        text = _PARAMETERS.sub(numbered, where)
        found = await self.connection.fetch(f"SELECT id FROM notes WHERE {text}", *values)  # noqa: S608
        return {row["id"] for row in found}

    async def whole(self, expression, user):
        return await self.ids(as_sql(expression, ":{}".format), values_of(user))

    async def held(self, user):
        """Return what row-level security lets *user* see."""
        async with self.secured.transaction():
            statement, values = rls_sql(caller(user))
            await self.secured.execute(statement, *values)
            return {row["id"] for row in await self.secured.fetch("SELECT id FROM notes")}


@pytest.fixture(scope="module")
def sqlite_rows():
    database = Sqlite()
    yield database
    database.connection.close()


@pytest.fixture
async def postgres_rows(postgres_url):
    await make_in_postgres(postgres_url, table, ROWS)
    urls = [postgres_url, url_of(postgres_url, OWNER), url_of(postgres_url, APPLICATION)]
    connections = [await asyncpg.connect(url) for url in urls]
    yield Postgres(*connections)
    for connection in connections:
        await connection.close()


def decision_of(expression, user):
    came_to = outcome(parse(expression), user)
    if isinstance(came_to, bool):
        return Decision(Effect.ALLOW if came_to else Effect.DENY, "read")
    return Decision(Effect.FILTER, "read", came_to)


def in_python(decision):
    return {row["id"] for row in ROWS if decision.reaches(row)}


@pytest.mark.slow
@settings(max_examples=EXPRESSIONS * 2)
@given(expression=expressions)
def test_sqlite_decides_the_whole_as_we_decide_what_is_left(sqlite_rows, expression):
    for user in USERS:
        decision = decision_of(expression, user)
        expected = sqlite_rows.whole(expression, user)
        assert in_python(decision) == expected, user
        if decision.where:
            assert sqlite_rows.ids(decision.where, decision.params) == expected, user
        else:
            assert (decision.effect is Effect.ALLOW) == bool(expected), user


@pytest.mark.slow
@pytest.mark.postgres
@settings(max_examples=EXPRESSIONS, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(expression=expressions)
async def test_postgresql_decides_the_whole_as_we_decide_what_is_left(postgres_rows, expression):
    await postgres_rows.secure(expression)
    for user in USERS:
        decision = decision_of(expression, user)
        expected = await postgres_rows.whole(expression, user)
        assert in_python(decision) == expected, user
        if decision.where:
            assert await postgres_rows.ids(decision.where, decision.params) == expected, user
        assert await postgres_rows.held(user) == expected, user
