"""A policy as somebody writes it down, checked before it is stored."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar

from dhq_auth.errors import InvalidExpression, InvalidRequest
from dhq_auth.message import Message
from dhq_auth.opaque import new_id
from dhq_auth.policies.expression import parse
from dhq_auth.policies.scanner import ExpressionError
from dhq_auth.policies.store import ALL, Key, Policy
from dhq_auth.sdk.decision import ACTIONS

MAX_DESCRIPTION: Final = 1024
RULE_ACTIONS: Final = (*ACTIONS, ALL)
"""What a policy may be for."""
FIELDS: Final = ("service", "table_name", "action", "expression", "description")
_Action = TypeVar("_Action", bound=str)
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a policy says; an empty expression is: everybody, every row."""

    table_name: str
    action: str
    expression: str
    service: str = ALL
    description: str = ""

    @property
    def key(self) -> Key:
        """What it is for."""
        return self.service, self.table_name, self.action


def draft_of(policy: Policy, changes: Mapping[str, str] = MappingProxyType({})) -> Draft:
    """Return what *policy* says with *changes* made to it."""
    return replace(Draft(**{name: getattr(policy, name) for name in FIELDS}), **changes)


def written(draft: Draft, now: datetime, before: Policy | None = None) -> Policy:
    """Return the policy that is made of *draft* now, with an id of its own, or of *before*."""
    fields = {name: getattr(draft, name) for name in FIELDS}
    if before is not None:
        return replace(before, **fields, updated_at=now)
    return Policy(id=new_id(), created_at=now, updated_at=now, **fields)


def told(policy: Policy) -> dict[str, Any]:
    """Return what events tell of *policy*."""
    return {
        "policy_id": policy.id,
        "service": policy.service,
        "table_name": policy.table_name,
        "action": policy.action,
        "expression": policy.expression,
    }


def checked(draft: Draft) -> Draft:
    """Return *draft* if it may be stored.

    Raises InvalidExpression with the position of the fault, InvalidRequest for the other fields.
    """
    for name in ("service", "table_name"):
        check_name(name, getattr(draft, name))
    check_action(draft.action, RULE_ACTIONS)
    description = draft.description
    if len(description) > MAX_DESCRIPTION or not description.replace("\n", "").isprintable():
        raise InvalidRequest(
            Message(
                "The description is printable text of at most {most} characters.",
                most=MAX_DESCRIPTION,
            )
        )
    try:
        parse(draft.expression)
    except ExpressionError as error:
        raise InvalidExpression(
            Message(
                "Character {position} of the expression: expected {expected}, found {found}.",
                position=error.position,
                expected=error.expected,
                found=error.found,
            ),
            position=error.position,
            expected=error.expected,
            found=error.found,
        ) from error
    return draft


def check_name(field: str, name: str) -> str:
    """Return *name* if a service or a table may be called so; else InvalidRequest."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            Message(
                "The {field} must be letters, digits, _, - and . (128 at most), or all.",
                field=field,
            )
        )
    return name


def check_action(action: str, known: Sequence[_Action]) -> _Action:
    """Return *action* if it is one that is *known*; else InvalidRequest, which lists those."""
    for each in known:
        if each == action:
            return each
    raise InvalidRequest(Message("The action must be one of {actions}.", actions=", ".join(known)))
