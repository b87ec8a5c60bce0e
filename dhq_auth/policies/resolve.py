"""Which policy decides: exactly one, the nearest to what is asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from dhq_auth.db import Db
from dhq_auth.policies.store import ALL, Key, Policy, policies_for, policies_near
from dhq_auth.sdk.decision import Action


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to do: *action* on the rows of *table*, in *service*."""

    table: str
    action: Action
    service: str = ALL

    def candidates(self) -> list[Key]:
        """Return whose policy decides, the first that there is: those of the service, then of all.

        A `read_mine` is not a `read`: what opens all rows does not say whose are mine.
        """
        keys = [
            (service, table, action)
            for service in (self.service, ALL)
            for table in (self.table, ALL)
            for action in (self.action, ALL)
        ]
        return list(dict.fromkeys(keys))


async def candidates(db: Db, *questions: Question) -> dict[Key, Policy]:
    """Return the policies that may decide any of *questions*, as they are at this moment."""
    if len(questions) == 1:
        (question,) = questions
        return await policies_near(db, (question.service, question.table, question.action))
    return await policies_for(
        db,
        {ALL, *(question.service for question in questions)},
        {ALL, *(question.table for question in questions)},
        {ALL, *(question.action for question in questions)},
    )


def deciding(there: Mapping[Key, Policy], question: Question) -> Policy | None:
    """Return the one of the policies that are *there* which decides *question*."""
    return next((there[key] for key in question.candidates() if key in there), None)
