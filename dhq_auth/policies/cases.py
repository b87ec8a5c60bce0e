"""Tests of policies: who asks for what, and what the answer should be; a file of them is run.

    [users.ada]
    id = "u1"                          # and username, email, is_admin

    [[cases]]
    name = "nobody gives a row away"   # may be left out
    user = "ada"                       # or { id = "u1", … } in place, or "-": not logged in
    service = "notes"                  # without it: all
    table = "todos"
    action = "update"
    row = { author_id = "u1", deleted_at = { null = true } }
    new_row = { author_id = "u2" }     # what an update writes over it
    expect = "deny"                    # allow, deny; without a row also filter

With `where`, `params`, `check` and `set` a case says what the filter should be.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dhq_auth.errors import InvalidRequest
from dhq_auth.policies.caller import ANONYMOUS, AuthUser
from dhq_auth.policies.document import FaultyDocument, entries, known_only
from dhq_auth.policies.draft import check_name
from dhq_auth.policies.explain import Explanation, explain
from dhq_auth.policies.resolve import Question
from dhq_auth.policies.store import ALL, Key, Policy
from dhq_auth.sdk.decision import ACTIONS, Decision, Denied, Effect, check
from dhq_auth.sdk.evaluate import MissingColumn

NOBODY: Final = "-"
"""What a caller who is not logged in is called."""
_FILTER: Final = ("where", "params", "check", "set")
_FIELDS: Final = (
    *("name", "user", "service", "table", "action", "row", "new_row", "expect"),
    *_FILTER,
)
_USER: Final = {"id": str, "username": str, "email": str, "is_admin": bool}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One of them; `user` is a name where the file does not say who that is."""

    number: int
    name: str
    user: AuthUser | str
    question: Question
    row: Mapping[str, Any] | None
    new_row: Mapping[str, Any] | None
    expected: Mapping[str, Any]
    """By what is expected (`expect`, `where`, …) the value."""

    def __str__(self) -> str:
        """Return what to call it."""
        return f"case {self.number}{f' ({self.name})' if self.name else ''}"


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went; it has passed if nothing differs."""

    case: Case
    answer: str
    differences: tuple[str, ...]
    explanation: Explanation


def cases_in(data: Mapping[str, Any]) -> list[Case]:
    """Return the cases that *data* holds; raises FaultyDocument with all faults."""
    known_only(data, ("users", "cases"))
    users = _users(data.get("users", {}))
    cases, faults = [], []
    for number, entry in enumerate(entries(data, "cases"), 1):
        try:
            cases.append(_case(number, entry, users))
        except (FaultyDocument, InvalidRequest) as error:
            faults.append(f"case {number}: {error}")
    if faults:
        raise FaultyDocument(faults)
    return cases


def run(case: Case, there: Mapping[Key, Policy], users: Mapping[str, AuthUser]) -> Result:
    """Ask what *case* asks by the policies that are *there*; *users* are those that it names."""
    caller = users[case.user] if isinstance(case.user, str) else case.user
    explanation = explain(there, case.question, caller)
    decision = explanation.decision
    try:
        answer = answer_for(decision, case.row, case.new_row)
    except MissingColumn as error:
        return Result(case, "none", (str(error),), explanation)
    found = {name: getattr(decision, name) for name in _FILTER} | {"expect": answer}
    differences = tuple(
        f"{name}: expected {_shown(wanted)}, found {_shown(found[name])}"
        for name, wanted in case.expected.items()
        if not _same(wanted, found[name])
    )
    return Result(case, answer, differences, explanation)


def answer_for(
    decision: Decision, row: Mapping[str, Any] | None, new_row: Mapping[str, Any] | None
) -> str:
    """Return what *decision* comes to for *row*: allow or deny; without one, as it is.

    *new_row* is what an update writes over *row*. Raises MissingColumn if *row* lacks a column.
    """
    if row is None:
        return str(decision.effect)
    if decision.action == "create":
        return _allowed(_may_be_written(row, decision))
    reached = decision.reaches(row)
    if decision.action == "update":
        reached = reached and _may_be_written({**row, **(new_row or {})}, decision)
    return _allowed(reached)


def coverage(results: Iterable[Result], there: Iterable[Policy]) -> list[tuple[Policy, int]]:
    """Return each of the policies that are *there* with how many cases it decided."""
    decided = Counter(
        result.explanation.verdict.policy.key
        for result in results
        if result.explanation.verdict.policy
    )
    return [(policy, decided[policy.key]) for policy in there]


def _may_be_written(row: Mapping[str, Any], decision: Decision) -> bool:
    try:
        check(row, decision)
    except Denied:
        return False
    return True


def _allowed(yes: bool) -> str:  # noqa: FBT001 - a value, not a flag
    return str(Effect.ALLOW if yes else Effect.DENY)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _same(wanted: Any, found: Any) -> bool:
    """Say whether both are the same value of the same type: 1 is not true."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(_same(wanted[k], found[k]) for k in wanted)
    return type(wanted) is type(found) and bool(wanted == found)


def _users(data: Any) -> dict[str, AuthUser]:
    if not isinstance(data, dict):
        raise FaultyDocument(["users: expected a table for each user"])
    users, faults = {NOBODY: ANONYMOUS}, []
    for name, fields in data.items():
        try:
            if name == NOBODY:
                raise FaultyDocument(["this is who is not logged in"])
            users[name] = user_in(fields)
        except FaultyDocument as error:
            faults.append(f"users.{name[:40]}: {error}")
    if faults:
        raise FaultyDocument(faults)
    return users


def user_in(data: Any) -> AuthUser:
    """Return the caller that *data* describes; raises FaultyDocument."""
    if not isinstance(data, dict):
        raise FaultyDocument(["expected a table with id, username, email, is_admin"])
    known_only(data, tuple(_USER))
    for name, value in data.items():
        if not isinstance(value, _USER[name]):
            kind = "true or false" if _USER[name] is bool else "a text"
            raise FaultyDocument([f"{name}: expected {kind}"])
    if not data.get("id"):
        raise FaultyDocument([f'id: missing; who is not logged in is "{NOBODY}"'])
    return AuthUser(**data)


def _case(number: int, entry: Any, users: Mapping[str, AuthUser]) -> Case:
    if not isinstance(entry, dict):
        raise FaultyDocument(["expected a table of fields"])
    known_only(entry, _FIELDS)
    for field in ("name", "service", "table", "action", "expect", "where", "check"):
        if not isinstance(entry.get(field, ""), str):
            raise FaultyDocument([f"{field}: expected a text"])
    row, new_row = _row(entry, "row"), _row(entry, "new_row")
    question = _question(entry)
    if new_row is not None and (row is None or question.action != "update"):
        raise FaultyDocument(["new_row: only with the row that an update changes"])
    return Case(
        number=number,
        name=entry.get("name", ""),
        user=_user(entry, users),
        question=question,
        row=row,
        new_row=new_row,
        expected=_expected(entry, row),
    )


def _question(entry: Mapping[str, Any]) -> Question:
    for field in ("table", "action"):
        if field not in entry:
            raise FaultyDocument([f"{field}: missing"])
    action = next((each for each in ACTIONS if each == entry["action"]), None)
    if action is None:
        raise FaultyDocument([f"action: expected one of {', '.join(ACTIONS)}"])
    return Question(
        check_name("table", entry["table"]),
        action,
        check_name("service", entry.get("service", ALL)),
    )


def _user(entry: Mapping[str, Any], users: Mapping[str, AuthUser]) -> AuthUser | str:
    match entry.get("user"):
        case str(name) if name:
            return users.get(name, name)
        case dict() as fields:
            return user_in(fields)
    raise FaultyDocument([f'user: expected a name, a table of fields, or "{NOBODY}"'])


def _row(entry: Mapping[str, Any], field: str) -> dict[str, Any] | None:
    row = entry.get(field)
    if row is None:
        return None
    if not isinstance(row, dict):
        raise FaultyDocument([f"{field}: expected a table of columns"])
    return {name: None if value == {"null": True} else value for name, value in row.items()}


def _expected(entry: Mapping[str, Any], row: object) -> dict[str, Any]:
    expected = {name: entry[name] for name in ("expect", *_FILTER) if name in entry}
    if not expected:
        raise FaultyDocument(["expect: missing"])
    allowed = [str(effect) for effect in Effect if row is None or effect is not Effect.FILTER]
    if expected.get("expect", allowed[0]) not in allowed:
        raise FaultyDocument([f"expect: expected one of {', '.join(allowed)}"])
    for name in ("params", "set"):
        if not isinstance(expected.get(name, {}), dict):
            raise FaultyDocument([f"{name}: expected a table of values"])
    for name in ("where", "check"):  # "" is: no condition
        if name in expected:
            expected[name] = expected[name] or None
    return expected
