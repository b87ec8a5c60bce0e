"""Columns that are called like words of SQL are read as columns, on both databases."""

import re
import sqlite3

import pytest

from dhq_auth.sdk.sql import Sql, render
from dhq_auth.sdk.tree import Column, Comparison, Junction, Membership, NullTest
from dhq_auth.sdk.words import WORDS
from tests.policies.renderings import connected

# https://www.sqlite.org/lang_keywords.html
SQLITE = """
abort action add after all alter always analyze and as asc attach autoincrement before begin between
by cascade case cast check collate column commit conflict constraint create cross current
current_date current_time current_timestamp database default deferrable deferred delete desc detach
distinct do drop each else end escape except exclude exclusive exists explain fail filter first
following for foreign from full generated glob group groups having if ignore immediate in index
indexed initially inner insert instead intersect into is isnull join key last left like limit match
materialized natural no not nothing notnull null nulls of offset on or order others outer over
partition plan pragma preceding primary query raise range recursive references regexp reindex release
rename replace restrict returning right rollback row rows savepoint select set table temp temporary
then ties to transaction trigger unbounded union unique update using vacuum values view virtual when
where window with without
""".split()  # noqa: SIM905 - they read better as a text
OTHERS = """
rowid oid _rowid_ true false ctid name text value user_id id a_b x1 binary nocase strict stored
integer bigint boolean date timestamp uuid interval time zone none public current_role
""".split()  # noqa: SIM905 - they read better as a text
MORE = ["User", "SELECT", "userId", "_", "_a", "Z9", "a" * 63]
SYSTEM = {"ctid"}
"""No column of PostgreSQL may be called so."""


def held(name: str) -> Sql:
    """Return what holds of a column that has 'x', where `beside` has it, too: name in each place."""
    column, beside = Column(name), Column("beside")
    trees = (
        Comparison("=", column, "x"),
        Comparison("<=", column, beside),
        Comparison(">=", beside, column),
        Membership(column, ("x", "z")),
        Membership(column, ("y", "z"), negated=True),
        NullTest(column, negated=True),
        Junction("or", (NullTest(column), Comparison("!=", column, "y"))),
    )
    return render(Junction("and", trees))


def test_sqlite_reads_every_word_as_a_column():
    connection = sqlite3.connect(":memory:")
    for name in sorted({*SQLITE, *OTHERS, *MORE, *WORDS}):
        connection.execute(f'CREATE TABLE words ("{name}" text, beside text)')
        connection.execute("INSERT INTO words VALUES ('x', 'x'), ('y', 'x'), (NULL, 'x')")
        sql = held(name)
        found = connection.execute(f"SELECT count(*) FROM words WHERE {sql.text}", sql.params)  # noqa: S608
        assert found.fetchone() == (1,), name
        connection.execute("DROP TABLE words")
    connection.close()


@pytest.mark.postgres
async def test_postgresql_reads_every_word_as_a_column(postgres_url):
    async with connected(postgres_url) as connection:
        keywords = [
            row["word"] for row in await connection.fetch("SELECT word FROM pg_get_keywords()")
        ]
        names = sorted({*keywords, *SQLITE, *OTHERS, *MORE, *WORDS} - SYSTEM)
        assert len(keywords) > 400
        columns = ", ".join(f'"{name}" text' for name in names)
        await connection.execute(f"CREATE TABLE words (beside text, {columns})")
        for value in ("'x'", "'y'", "NULL"):
            values = ", ".join([value] * len(names))
            await connection.execute(f"INSERT INTO words VALUES ('x', {values})")  # noqa: S608
        for name in names:
            sql = held(name)
            text = re.sub(r":p(\d)", r"CAST($\1 AS text)", sql.text)
            found = await connection.fetchval(
                f"SELECT count(*) FROM words WHERE {text}",  # noqa: S608
                *sql.params.values(),
            )
            assert found == 1, name
