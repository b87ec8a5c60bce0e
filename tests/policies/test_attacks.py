"""Policies put to callers, rows, tables and databases for which nobody has meant them."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.rls import table_security
from dhq_auth.sdk import Caller, Decision, Effect, Verifier, decide, rls, rows
from tests.fakes.postgres import PostgresServer
from tests.policies.renderings import (
    APPLICATION,
    caller,
    database,
    decided,
    engine_of,
    make_in_postgres,
    policies,
    secure,
)

KIM = AuthUser(id="u1", username="kim")
CLAIM = {"v": 1, "rules": {"notes": {"all": True, "delete": False}, "*": {"all": False}}}
notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("title", sa.Text),
    sa.Column("word", sa.String(20)),
    sa.Column("published", sa.Boolean),
    sa.Column("made", sa.DateTime(timezone=True)),
)
ROWS = [
    {
        "id": 1,
        "title": "a",
        "word": "m",
        "published": True,
        "made": datetime(2024, 1, 1, tzinfo=UTC),
    }
]
untyped: Any = sa.table("notes", sa.column("id"), sa.column("title"), sa.column("word"))


@pytest.mark.parametrize("action", ["DELETE", "Delete", "remove", "all", "", None, ["delete"]])
def test_what_is_no_action_is_not_taken_for_all_that_are_not_named(action: Any) -> None:
    """What most actions may stands under `all`, which must not become a yes to the one that may not."""
    with pytest.raises(ValueError, match="an action is one of create, read"):
        decide(CLAIM, "notes", action)
    verifier = Verifier("https://login.example.com", service="notes")
    with pytest.raises(ValueError, match="an action is one of create, read"):
        verifier.decide_sync(Caller("u1", {}, CLAIM), "notes", action)


def test_a_decision_about_rows_that_are_made_is_none_about_rows_that_are_there() -> None:
    decision = decided(policies("user_id = auth_user.id"), "create", KIM)
    with pytest.raises(ValueError, match=r"use check\(\)"):
        decision.reaches({"user_id": "somebody else"})


def test_a_filter_that_lost_its_condition_reaches_nothing() -> None:
    assert not Decision(Effect.FILTER, "read").reaches({})


TOO_FAR = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


@pytest.mark.parametrize("moment", TOO_FAR)
def test_a_time_that_no_calendar_has_is_no_fault_of_each_request(moment: str) -> None:
    expression = f"made > '{moment}' or made not in ('{moment}')"
    decision = decided(policies(expression), "read", KIM)
    assert "WHERE false" in str(rows(sa.select(notes), decision))
    assert not decision.reaches(ROWS[0])
    for kind in ("timestamp", "timestamptz"):
        security = table_security(policies(expression), "notes", casts={"made": kind})
        assert security.rules["read"].condition == "false"


def test_what_nobody_knows_the_type_of_is_not_put_in_order() -> None:
    decision = decided(policies("title < word"), "read", KIM)
    with pytest.raises(ValueError, match=r"not known what .*title and .*word hold"):
        rows(sa.select(untyped), decision)


@pytest.mark.parametrize("table", [notes, untyped], ids=["typed", "untyped"])
@pytest.mark.parametrize("expression", ["title < 'a'", "'a' >= title", "title > auth_user.id"])
def test_the_order_of_texts_is_ours_whatever_the_database_s_is(expression: str, table: Any) -> None:
    """Databases of most people order texts by a language; the one of these tests does not."""
    there = policies(expression)
    statement = rows(sa.select(table.c.id), decided(there, "read", KIM))
    assert '(notes.title COLLATE "C") ' in str(statement.compile(dialect=postgresql.dialect()))
    assert 'title COLLATE "C" ' in table_security(there, "notes").rules["read"].condition


@pytest.mark.postgres
@pytest.mark.parametrize("expression", ["published = 'true'", "published in ('t', 'yes')"])
async def test_a_text_is_not_taken_for_another_type_by_postgresql_alone(
    postgres: PostgresServer, expression: str
) -> None:
    """Everywhere else a flag is no text, so nobody has these rows."""
    url = database(postgres)
    await make_in_postgres(url, notes, ROWS)
    there = policies(expression)
    assert not decided(there, "read", KIM).reaches(ROWS[0])
    with pytest.raises(asyncpg.UndefinedFunctionError, match="boolean = text"):
        await secure(url, there)
    await secure(url, there, {"published": "boolean"})
    async with engine_of(url, APPLICATION) as engine, engine.begin() as db:
        await rls(db, caller(KIM))
        assert (await db.scalars(sa.select(notes.c.id))).all() == []
