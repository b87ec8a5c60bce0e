"""The policies on a table as row-level security of PostgreSQL: one statement after the other.

There is one policy for each command, made of the one that decides here, since PostgreSQL joins
several by OR. A row that UPDATE or DELETE looks at, or that INSERT returns, must be seen, too: so
the policy for SELECT goes by the action that was told (`dhq_auth.sdk.rls`), and a statement gets the
same rows as by `where` and `check`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dhq_auth.policies.draft import check_name
from dhq_auth.policies.expression import parsed
from dhq_auth.policies.postgresql import NEVER, NotExpressible, Writer, identifier, literal, setting
from dhq_auth.policies.resolve import Question, deciding
from dhq_auth.policies.scanner import ExpressionError
from dhq_auth.policies.store import ALL, Key, Policy
from dhq_auth.sdk.column_types import type_named
from dhq_auth.sdk.decision import ACTIONS, Action
from dhq_auth.sdk.tree import COLUMN

OURS: Final = "dhq_auth_"
"""How the names of the policies in PostgreSQL begin; all others are left alone."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}", re.ASCII)
_COMMANDS: Final[tuple[tuple[str, Action, bool, bool], ...]] = (
    ("INSERT", "create", False, True),
    ("UPDATE", "update", True, True),
    ("DELETE", "delete", True, False),
)
"""Commands beside SELECT, whose action they are, and whether they look at old and at new rows."""
_INTRODUCTION: Final = """\
-- Row-level security for {table}, by the policies of dhq-auth for the service {service}.
-- Run it as the owner of the table, and again after each change of the policies. It is one
-- transaction, which fails, and changes nothing, where these policies could not hold.
-- Superusers and roles with BYPASSRLS are held to no policy; nor is TRUNCATE: grant it to nobody.
"""
_CHECKS: Final = """\
DO $dhq_auth$
DECLARE
    faults text;
BEGIN
    SELECT string_agg(quote_ident(wanted), ', ') INTO faults
    FROM unnest(CAST({columns} AS text[])) AS wanted
    WHERE NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = {table} AND attname = wanted AND attnum > 0 AND NOT attisdropped
    );
    IF faults IS NOT NULL THEN
        RAISE EXCEPTION 'the policies speak of columns that % lacks: %', {table}, faults;
    END IF;
    SELECT string_agg(quote_ident(attname), ', ') INTO faults
    FROM pg_attribute
    JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    WHERE attrelid = {table} AND attname = ANY (CAST({columns} AS text[]))
    AND (typname = 'citext' OR NOT collisdeterministic);
    IF faults IS NOT NULL THEN
        RAISE EXCEPTION 'different texts are the same in columns of %, but not to policies: %',
            {table}, faults;
    END IF;
    SELECT string_agg(quote_ident(attname), ', ') INTO faults
    FROM pg_attribute
    WHERE attrelid = {table} AND attname = ANY (CAST({unsure} AS text[])) AND attcollation <> 0;
    IF faults IS NOT NULL THEN
        RAISE EXCEPTION 'texts are put in order, name them with --cast COLUMN=text: %', faults;
    END IF;
    SELECT string_agg(quote_ident(polname), ', ') INTO faults
    FROM pg_policy
    WHERE polrelid = {table} AND polpermissive
    AND NOT starts_with(CAST(polname AS text), {ours});
    IF faults IS NOT NULL THEN
        RAISE EXCEPTION '% has other policies, which would allow more, drop them: %',
            {table}, faults;
    END IF;
END
$dhq_auth$;"""
_DROP: Final = """\
DO $dhq_auth$
DECLARE
    old name;
BEGIN
    FOR old IN
        SELECT polname FROM pg_policy
        WHERE polrelid = {table} AND starts_with(CAST(polname AS text), {ours})
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', old, {table});
    END LOOP;
END
$dhq_auth$;"""


@dataclass(frozen=True, slots=True)
class Rule:
    """What decides an action, and what it comes to in PostgreSQL."""

    policy: Policy | None
    fault: ExpressionError | None
    """Why the policy cannot be read."""
    condition: str


@dataclass(frozen=True, slots=True)
class TableSecurity:
    """The row-level security of a table: its statements, to be run in one transaction."""

    service: str
    table: str
    """Its name as SQL."""
    rules: Mapping[Action, Rule]
    statements: tuple[str, ...]
    idle_casts: tuple[str, ...]
    """Columns that were given a type although no rule speaks of them."""

    def script(self) -> str:
        """Return all of it as a script for psql; it does not matter how often that is run."""
        told = [_INTRODUCTION.format(table=self.table, service=self.service)]
        told += [_comment(action, rule) for action, rule in self.rules.items()]
        return "\n".join(["".join(told), "BEGIN;", *self.statements, "COMMIT;", ""])


def questions(table: str, service: str) -> list[Question]:
    """Return what must be decided for *table*: each action."""
    return [Question(table, action, service) for action in ACTIONS]


def table_security(
    there: Mapping[Key, Policy],
    table: str,
    service: str = ALL,
    *,
    schema: str | None = None,
    casts: Mapping[str, str] | None = None,
) -> TableSecurity:
    """Return the row-level security of *table* by the policies that are *there*.

    *table* is what policies call it; in PostgreSQL it is that in *schema*, or where the search path
    finds it, and `app.notes` is the table notes in the schema app. *casts* names the types of its
    columns that are no texts (`dhq_auth.sdk.column_types.TYPES`). A policy that cannot be read, and
    one that is missing, allows nothing.

    Raises InvalidRequest for a name that no policy can be for; NotExpressible for a name that no
    table or column has, a type that is not known, and a comparison that PostgreSQL would judge
    otherwise.
    """
    check_name("service", service)
    name = _qualified(check_name("table_name", table), schema)
    writer = Writer(_checked(casts or {}))
    rules = {
        question.action: _rule(deciding(there, question), writer)
        for question in questions(table, service)
    }
    return TableSecurity(
        service,
        name,
        rules,
        tuple(
            _statements(name, {action: rule.condition for action, rule in rules.items()}, writer)
        ),
        tuple(sorted({*writer.casts} - writer.columns)),
    )


def _qualified(table: str, schema: str | None) -> str:
    parts = [schema, table] if schema is not None else table.split(".")
    if table == ALL or len(parts) > 2 or not all(map(_NAME.fullmatch, parts)):
        raise NotExpressible(f"no table has the name {'.'.join(parts)!r}")
    return ".".join(map(identifier, parts))


def _checked(casts: Mapping[str, str]) -> Mapping[str, str]:
    for column, name in casts.items():
        if not COLUMN.fullmatch(column):
            raise NotExpressible(f"no column has the name {column!r}")
        try:
            type_named(name)
        except ValueError as error:
            raise NotExpressible(str(error)) from error
    return casts


def _rule(policy: Policy | None, writer: Writer) -> Rule:
    if policy is None:
        return Rule(None, None, NEVER)
    node = parsed(policy.expression)
    if isinstance(node, ExpressionError):
        return Rule(policy, node, NEVER)
    return Rule(policy, None, writer.condition(node))


def _statements(table: str, conditions: Mapping[Action, str], writer: Writer) -> Iterable[str]:
    where = {"table": f"CAST({literal(table)} AS regclass)", "ours": literal(OURS)}
    yield f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;"
    yield _CHECKS.format(columns=_array(writer.columns), unsure=_array(writer.unsure), **where)
    yield _DROP.format(**where)
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
    yield f"CREATE POLICY {OURS}select ON {table} FOR SELECT USING ({_seen(conditions)});"
    for command, action, old, new in _COMMANDS:
        held = f"({conditions[action]})"
        clauses = f"{f' USING {held}' * old}{f' WITH CHECK {held}' * new}"
        yield f"CREATE POLICY {OURS}{command.lower()} ON {table} FOR {command}{clauses};"


def _seen(conditions: Mapping[Action, str]) -> str:
    """Return which rows are seen: those of the action that was told, else those that may be read.

    An OR, since into the branches of a CASE PostgreSQL looks for no index.
    """
    alike: dict[str, list[Action]] = {}
    for action in ACTIONS:
        alike.setdefault(conditions[action], []).append(action)
    read = conditions["read"]
    del alike[read]
    if not alike:
        return read
    told = f"(SELECT coalesce({setting('action')}, ''))"
    others = [action for actions in alike.values() for action in actions]
    branches = [("IN", actions, condition) for condition, actions in alike.items()]
    branches.append(("NOT IN", others, read))
    return " OR ".join(
        f"({told} {word} ({', '.join(map(literal, actions))}) AND ({condition}))"
        for word, actions, condition in branches
    )


def _array(names: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(map(literal, sorted(names)))}]"


def _comment(action: str, rule: Rule) -> str:
    """Return a line on *rule*, in which nothing is a line of its own."""
    if rule.policy is None:
        said = "no policy is for this"
    else:
        said = f"{rule.policy.id}, {' '.join(rule.policy.key)}: {rule.policy.expression}"
        said += " (cannot be read)" if rule.fault else ""
    shown = "".join(c if c.isprintable() else " " for c in said)
    return f"-- {action}: {shown.encode('ascii', 'backslashreplace').decode()}\n"
