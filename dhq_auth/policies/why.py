"""Why all policies of a service come to what they do for a caller, as far as he may know it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.decide import judged
from dhq_auth.policies.defaults import POLICIES
from dhq_auth.policies.explain import Explanation, explain
from dhq_auth.policies.grant import Rules, tables_of
from dhq_auth.policies.resolve import Question
from dhq_auth.policies.store import ALL, Policy
from dhq_auth.sdk.decision import ACTIONS
from dhq_auth.sdk.evaluate import MissingColumn
from dhq_auth.sdk.filters import EVERY_TABLE

MAX_SIZE: Final = 128 * 1024
"""Bytes of the JSON of all explanations."""


def explained(
    rules: Rules | None, service: str, caller: AuthUser, *, may_read: bool
) -> dict[str, Any]:
    """Return, by table and action, what `compiled` comes to and why; `*` is every other table.

    `complete` is false where not all of it has room in MAX_SIZE; of *rules* that are None there is
    nothing. With *may_read* it says what those policies say that the policies on `auth_policies` let
    *caller* read; of others never more than what they are for.
    """
    tables: dict[str, dict[str, Any]] = {}
    if rules is None:
        return {"tables": tables, "complete": False}
    left = MAX_SIZE
    for name, action, explanation in _each(rules, service, caller):
        said = _said(explanation, rules, may_read=may_read)
        left -= len(name) + len(json.dumps(said))
        if left < 0:
            break
        tables.setdefault(name, {})[action] = said
    return {"tables": tables, "complete": left >= 0}


def _each(rules: Rules, service: str, caller: AuthUser) -> Iterator[tuple[str, str, Explanation]]:
    for name in (ALL, *tables_of(rules)):
        shown = EVERY_TABLE if name == ALL else name
        for action in ACTIONS:
            yield shown, action, explain(rules, Question(name, action, service), caller)


def _said(explanation: Explanation, rules: Rules, *, may_read: bool) -> dict[str, Any]:
    decision = explanation.decision
    found = [look.policy for look in explanation.looked_at if look.policy]
    whole = may_read and all(_may_read(policy, rules, explanation.caller) for policy in found)
    return {
        "decision": str(decision.effect),
        "policy_id": decision.policy_id,
        "reason": decision.reason,
        **explanation.to_json(whole=whole),
    }


def _may_read(policy: Policy, rules: Rules, caller: AuthUser) -> bool:
    """Say whether *caller* may read *policy*, by those of *rules* that are for all services."""
    try:
        return judged(rules, Question(POLICIES, "read"), caller).decision.reaches(asdict(policy))
    except MissingColumn:
        return False
