"""Nobody can lock all administrators out of the policies."""

from collections.abc import Iterable
from typing import Final

from dhq_auth.accounts.store import lock_administrators
from dhq_auth.db import Db
from dhq_auth.errors import Conflict
from dhq_auth.policies.caller import AuthUser, auth_user
from dhq_auth.policies.decide import judged
from dhq_auth.policies.defaults import POLICIES
from dhq_auth.policies.resolve import Question, candidates
from dhq_auth.policies.store import Key, Policy
from dhq_auth.sdk.decision import Action, Effect

_NEEDED: Final[tuple[Action, ...]] = ("read", "create", "update", "delete")
FIRST: Final = AuthUser(id="", is_admin=True)
"""The administrator who is still to come."""
LOCKED_OUT: Final = (
    "No administrator could read and change the policies after this: let one of them keep "
    "read, create, update and delete on auth_policies without a condition on the row."
)


async def keep_administrable(db: Db) -> None:
    """Raise Conflict if, as *db* now is, no administrator may change policies.

    Where there is none yet, the first one is meant, of whom nothing else is known. Whoever changes
    policies or administrators calls this at the end of it. All of them lock the administrators, so
    of two at the same moment the second sees what the first has done.
    """
    administrators = await lock_administrators(db)
    questions = [Question(POLICIES, action) for action in _NEEDED]
    there = await candidates(db, *questions)
    callers = [auth_user(user) for user in administrators.values()] or [FIRST]
    if not _some_may(callers, there, questions):
        raise Conflict(LOCKED_OUT, code="administrators_locked_out")


def _some_may(
    callers: Iterable[AuthUser], there: dict[Key, Policy], questions: list[Question]
) -> bool:
    return any(
        all(
            judged(there, question, caller).decision.effect is Effect.ALLOW
            for question in questions
        )
        for caller in callers
    )
