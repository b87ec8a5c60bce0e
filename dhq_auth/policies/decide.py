"""The answer to a question about rows: the deciding policy, put to the caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dhq_auth.db import Db
from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.expression import parsed
from dhq_auth.policies.outcome import Outcome, outcome
from dhq_auth.policies.resolve import Question, candidates, deciding
from dhq_auth.policies.scanner import ExpressionError
from dhq_auth.policies.store import Key, Policy
from dhq_auth.sdk.decision import Decision, Effect

NO_POLICY: Final = "no policy is for this, so it is denied"
FAULTY: Final = "the policy that decides cannot be read, so it denies"
_REASONS: Final = {
    Effect.ALLOW: "the policy that decides holds for every row",
    Effect.DENY: "the policy that decides holds for no row",
    Effect.FILTER: "the policy that decides holds for some rows",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, and the policy that gave it, if there was one."""

    decision: Decision
    policy: Policy | None


async def decide(db: Db, question: Question, caller: AuthUser) -> Verdict:
    """Return what *caller* may do, by the policies as they are in the database at this moment."""
    return judged(await candidates(db, question), question, caller)


def judged(there: Mapping[Key, Policy], question: Question, caller: AuthUser) -> Verdict:
    """Return the same by the policies that are *there*."""
    policy = deciding(there, question)
    came_to = None if policy is None else outcome_of(policy, caller)
    tree = None if isinstance(came_to, bool | None) else came_to
    effect = Effect.FILTER if tree else Effect.ALLOW if came_to else Effect.DENY
    return Verdict(
        Decision(
            effect,
            question.action,
            tree,
            policy.id if policy else None,
            _reason(policy, effect),
            anonymous=not caller.is_authenticated,
        ),
        policy,
    )


def outcome_of(policy: Policy, caller: AuthUser) -> Outcome:
    """Return what *policy* comes to; a faulty one, which only the database can hold, denies."""
    node = parsed(policy.expression)
    return False if isinstance(node, ExpressionError) else outcome(node, caller)


def _reason(policy: Policy | None, effect: Effect) -> str:
    if policy is None:
        return NO_POLICY
    if isinstance(parsed(policy.expression), ExpressionError):
        return FAULTY
    return _REASONS[effect]
