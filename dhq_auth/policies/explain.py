"""Why a decision is as it is: which policy decided, which were passed over, what would have helped."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.decide import Verdict, judged
from dhq_auth.policies.expression import parsed
from dhq_auth.policies.nodes import attributes
from dhq_auth.policies.resolve import Question
from dhq_auth.policies.scanner import ExpressionError
from dhq_auth.policies.store import Key, Policy
from dhq_auth.policies.unmet import unmet, written
from dhq_auth.sdk.decision import Decision, Effect


class Cause(StrEnum):
    """What a decision comes of."""

    HOLDS = "holds"
    """The policy holds for every row."""
    ROW = "row"
    """It holds for some rows."""
    CALLER = "caller"
    """It holds for no row, since the caller is who he is."""
    NO_POLICY = "no_policy"
    FAULTY = "faulty"
    """The policy that decides cannot be read."""


class Found(StrEnum):
    """What there was where a policy was looked for."""

    DECIDES = "decides"
    PASSED_OVER = "passed_over"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Look:
    """One of the places where a policy was looked for."""

    key: Key
    found: Found
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and how it came about."""

    question: Question
    caller: AuthUser
    verdict: Verdict
    looked_at: tuple[Look, ...]
    """From the nearest to the furthest."""
    cause: Cause
    attributes: tuple[str, ...]
    """What the policy that decides asks of the caller."""
    condition: str | None
    """What else must hold, of caller or row, for all to be allowed: an expression; None if there
    is nothing, or nothing would do."""

    @property
    def decision(self) -> Decision:
        """The decision that this explains."""
        return self.verdict.decision

    @property
    def fault(self) -> ExpressionError | None:
        """Where the policy that decides cannot be read."""
        return fault_of(self.verdict.policy)

    @property
    def nulls(self) -> tuple[str, ...]:
        """Those of `attributes` that the caller has no value for."""
        return tuple(name for name in self.attributes if getattr(self.caller, name) is None)

    def to_json(self, *, whole: bool) -> dict[str, Any]:
        """Return it as JSON; only if *whole* with what policies say.

        Not *whole* it is for callers who may not read policies: neither an expression nor a value
        out of one, only where a policy was found and what was asked of the caller.
        """
        document: dict[str, Any] = {
            "cause": str(self.cause),
            "looked_at": [_look(look, whole=whole) for look in self.looked_at],
            "attributes": list(self.attributes),
            "missing": list(self.nulls),
            "hint": self.hint,
        }
        if whole:
            document |= {
                "caller": {name: getattr(self.caller, name) for name in self.attributes},
                "condition": self.condition,
            }
        return document

    @property
    def hint(self) -> str:
        """What to do about it, in a sentence that holds nothing of any expression."""
        if self.cause is Cause.CALLER and not self.caller.is_authenticated:
            return "The caller is not known: log in."
        if self.cause is Cause.CALLER and "email" in self.nulls:
            return "The caller has no email that was verified."
        if self.cause is Cause.NO_POLICY and self.question.action == "read_mine":
            return f"{_HINTS[self.cause]} A policy for read is none for read_mine."
        return _HINTS[self.cause]


_HINTS: Final = {
    Cause.HOLDS: "Every row is allowed.",
    Cause.ROW: "Rows are allowed for which the condition holds.",
    Cause.CALLER: "The policy that decides asks for something that the caller is not.",
    Cause.NO_POLICY: "No policy is for this: add one.",
    Cause.FAULTY: "The policy that decides cannot be read: correct it.",
}


def explain(there: Mapping[Key, Policy], question: Question, caller: AuthUser) -> Explanation:
    """Decide *question* for *caller* by the policies that are *there*, and say how.

    *there* may hold others besides: what `resolve.candidates` returns, or all.
    """
    verdict = judged(there, question, caller)
    policy = verdict.policy
    node = parsed(policy.expression) if policy else None
    readable = None if isinstance(node, ExpressionError) else node
    left = readable is not None and unmet(readable, caller)
    return Explanation(
        question,
        caller,
        verdict,
        tuple(_looks(there, question, policy)),
        _cause(verdict, faulty=isinstance(node, ExpressionError)),
        tuple(sorted(attributes(readable))) if readable else (),
        None if isinstance(left, bool) else written(left),
    )


def fault_of(policy: Policy | None) -> ExpressionError | None:
    """Return what is wrong with the expression of *policy*, if anything is."""
    node = parsed(policy.expression) if policy else None
    return node if isinstance(node, ExpressionError) else None


def _looks(there: Mapping[Key, Policy], question: Question, decides: Policy | None) -> list[Look]:
    looks = []
    for key in question.candidates():
        policy = there.get(key)
        found = Found.PASSED_OVER if policy else Found.NONE
        looks.append(Look(key, Found.DECIDES if policy and policy is decides else found, policy))
    return looks


def _cause(verdict: Verdict, *, faulty: bool) -> Cause:
    if verdict.policy is None:
        return Cause.NO_POLICY
    if faulty:
        return Cause.FAULTY
    by_effect = {Effect.ALLOW: Cause.HOLDS, Effect.FILTER: Cause.ROW, Effect.DENY: Cause.CALLER}
    return by_effect[verdict.decision.effect]


def _look(look: Look, *, whole: bool) -> dict[str, Any]:
    service, table_name, action = look.key
    place: dict[str, Any] = {
        "service": service,
        "table_name": table_name,
        "action": action,
        "found": str(look.found),
    }
    if whole and look.policy:
        fault = fault_of(look.policy)
        place |= {
            "policy_id": look.policy.id,
            "expression": look.policy.expression,
            "description": look.policy.description,
            "fault": fault and fault_json(fault),
        }
    return place


def fault_json(fault: ExpressionError) -> dict[str, Any]:
    """Return what is wrong with an expression as JSON; `position` counts characters from 1."""
    return {"position": fault.position, "expected": fault.expected, "found": fault.found}
