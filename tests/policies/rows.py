"""Policies written down for tests, as the table would have them."""

from datetime import UTC, datetime
from typing import Any, Final, cast

from dhq_auth.policies.caller import ANONYMOUS, AuthUser
from dhq_auth.policies.decide import Verdict, judged
from dhq_auth.policies.resolve import Question
from dhq_auth.policies.store import Key, Policy
from dhq_auth.sdk.decision import Action

WHEN: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ADA: Final = AuthUser(id="1", username="ada", email="ada@example.com")
ADMIN: Final = AuthUser(id="9", username="root", email="root@example.com", is_admin=True)
NOBODY: Final = ANONYMOUS


def rule(table: str, action: str, expression: str, service: str = "all") -> Policy:
    """Return a policy; its id says what it is for."""
    return Policy(
        id=f"{service}/{table}/{action}",
        service=service,
        table_name=table,
        action=action,
        expression=expression,
        description="",
        created_at=WHEN,
        updated_at=WHEN,
    )


def rules(*of: tuple[str, ...]) -> dict[Key, Policy]:
    """Return policies by what they are for."""
    return {policy.key: policy for policy in (rule(*each) for each in of)}


def asked(
    there: dict[Key, Policy], caller: AuthUser, table: str, action: str, service: str = "all"
) -> Verdict:
    """Return what *there* says."""
    return judged(there, Question(table, cast("Action", action), service), caller)


def said(verdict: Verdict) -> Any:
    """Return `allow`, `deny` or the SQL of a filter with its values put in."""
    decision = verdict.decision
    text = decision.where or decision.check
    if text is None:
        return str(decision.effect)
    for name, value in sorted(decision.params.items(), key=lambda item: -len(item[0])):
        text = text.replace(f":{name}", repr(value))
    return text
