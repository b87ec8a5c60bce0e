"""All policies of a service put to one caller: what its service token says of them.

Whatever precedence there is among policies is resolved here, once, so that a reader of the claim
`filters` (`dhq_auth.sdk.filters`) only looks up a table and an action.
"""

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

from dhq_auth.db import Db
from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.decide import outcome_of
from dhq_auth.policies.expression import parsed
from dhq_auth.policies.nodes import attributes
from dhq_auth.policies.resolve import Question, deciding
from dhq_auth.policies.scanner import ExpressionError
from dhq_auth.policies.store import ALL, Key, Policy, policies_of
from dhq_auth.sdk.decision import ACTIONS, Action
from dhq_auth.sdk.filters import EVERY_ACTION, EVERY_TABLE, VERSION, entry_of
from dhq_auth.sdk.tree import Junction, Tree

MAX_RULES: Final = 200
"""Policies of a service, those for all services among them, that are put into a token.

More would hardly fit: each is worth twenty bytes at least, and those with a condition a hundred.
"""
MAX_SIZE: Final = 4096
"""Bytes of the JSON of `permissions` and `filters` together."""
MAX_LEVELS: Final = 24
"""Of a condition: some readers of JSON take no more than 32 levels or 64."""
REMEMBERED: Final = 256
"""Callers of each service, whose claims are remembered: five times their JSON, so 20 KiB at most."""
_TOLD: Final = ("email", "is_admin", "username")
"""What of the caller a service may need beside the id, to let its database decide."""

Rules = Mapping[Key, Policy]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a service token holds of policies."""

    permissions: Mapping[str, Mapping[str, bool]]
    filters: Mapping[str, Any]


def asking(caller: AuthUser, room: int) -> Claims:
    """Return what it holds where they do not fit: the service asks about each table.

    Who asks, its database may still have to know: so that is in it, if there is *room*.
    """
    ask = {"v": VERSION, "ask": True}
    knowing = {**ask, "user": _told(caller, _TOLD)}
    return Claims({}, knowing if len(_json(knowing)) <= room else ask)


async def rules_of(db: Db, service: str) -> Rules | None:
    """Return the policies that may decide anything in *service*; None if they are too many."""
    found = await policies_of(db, service, MAX_RULES)
    return None if found is None else {policy.key: policy for policy in found}


def tables_of(rules: Rules) -> list[str]:
    """Return the tables that *rules* name, in order."""
    return sorted({table for _, table, _ in rules} - {ALL, EVERY_TABLE})


def compiled(rules: Rules | None, service: str, caller: AuthUser, room: int = MAX_SIZE) -> Claims:
    """Return what *rules* come to for *caller* in *service*.

    It only says to ask if they are None, or their JSON takes more than *room* bytes, or than MAX_SIZE.
    """
    room = min(room, MAX_SIZE)
    if rules is None:
        return asking(caller, room)
    compiler = _Compiler(rules, service, caller)
    every = compiler.table(ALL)
    permissions: dict[str, dict[str, bool]] = {}
    tables: dict[str, dict[str, Any]] = {EVERY_TABLE: _compact(every)}
    spent = 0  # of the room, at least
    for name in tables_of(rules):
        entries = compiler.table(name)
        if allowed := [action for action, entry in entries.items() if entry.value is True]:
            permissions[name] = dict.fromkeys(allowed, True)
        if entries != every:
            tables[name] = _compact(entries)
            spent += len(name) + max(len(entry.text) for entry in entries.values())
        if compiler.too_deep or spent > room:
            return asking(caller, room)
    filters = {"v": VERSION, "user": compiler.told(), "rules": tables}
    fits = len(_json(permissions)) + len(_json(filters)) <= room
    if not fits or compiler.too_deep:
        return asking(caller, room)
    return Claims(permissions, filters)


class Compilations:
    """What was compiled before, by service: it is so again while the rules are what they were.

    Who asks here has read them for this very question, so what changes counts at once.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def compiled(self, rules: Rules | None, service: str, caller: AuthUser, room: int) -> Claims:
        """Return what the function of this name does; nobody may change it."""
        if rules is None:
            return compiled(rules, service, caller, room)
        known = self._known.get(service)
        if known is None or known.rules != rules:
            known = _Known(rules, lru_cache(REMEMBERED)(partial(compiled, rules, service)))
            self._known[service] = known
        return known.claims(caller, room)


@dataclass(frozen=True, slots=True)
class _Known:
    """Rules of a service, and what gives the claims of a caller for whom there is so much room."""

    rules: Rules
    claims: Callable[[AuthUser, int], Claims]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a policy comes to, and its JSON, by which two are the same (in Python `1 == True`)."""

    text: str
    value: dict[str, Any] | bool = field(compare=False)


_NONE: Final = _Entry("false", value=False)


class _Compiler:
    """Puts the policies of *service* to *caller*, each once."""

    def __init__(self, rules: Rules, service: str, caller: AuthUser) -> None:
        self._rules = rules
        self._service = service
        self._caller = caller
        self._entries: dict[str, _Entry] = {}
        self._mentioned: set[str] = set()
        self.too_deep = False

    def table(self, name: str) -> dict[str, _Entry]:
        """Return the entry of each action on the table *name*."""
        return {action: self._entry(name, action) for action in ACTIONS}

    def told(self) -> dict[str, Any]:
        """Return what the policies that decide ask of the caller; what he lacks is left out."""
        return _told(self._caller, self._mentioned)

    def _entry(self, table: str, action: Action) -> _Entry:
        policy = deciding(self._rules, Question(table, action, self._service))
        if policy is None:
            return _NONE
        if policy.id not in self._entries:
            self._entries[policy.id] = self._put(policy)
        return self._entries[policy.id]

    def _put(self, policy: Policy) -> _Entry:
        node = parsed(policy.expression)
        if node is not None and not isinstance(node, ExpressionError):
            self._mentioned |= attributes(node)
        outcome = outcome_of(policy, self._caller)
        if not isinstance(outcome, bool) and _levels(outcome) > MAX_LEVELS:
            self.too_deep = True
        value = entry_of(outcome)
        return _Entry(_json(value), value)


def _told(caller: AuthUser, names: Container[str]) -> dict[str, Any]:
    """Return those of *names* that *caller* has, beside the id."""
    values = {name: getattr(caller, name) for name in _TOLD if name in names}
    return {name: value for name, value in values.items() if value}


def _compact(entries: Mapping[str, _Entry]) -> dict[str, Any]:
    """Return *entries* as the claim holds them: what most actions have stands there once."""
    given = list(entries.values())
    commonest = max(given, key=given.count)
    others = {action: entry.value for action, entry in entries.items() if entry != commonest}
    return {EVERY_ACTION: commonest.value, **others}


def _levels(tree: Tree) -> int:
    return 1 + max(map(_levels, tree.parts)) if isinstance(tree, Junction) else 1


def _json(value: object) -> str:
    """Return *value* as it is written into a token."""
    return json.dumps(value, separators=(",", ":"))
