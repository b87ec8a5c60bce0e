"""Answers that hold for a while, as their provider said: until then it is not asked again."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from time import monotonic
from typing import Final

from dhq_auth.clock import Clock, rfc3339
from dhq_auth.credentials import Authenticated
from dhq_auth.hookspecs import Grant
from dhq_auth.permissions.signed import Signed
from dhq_auth.revocations.memory import LONGEST, Memory, Shelf

SIZE: Final = 2048
_MOMENT: Final = timedelta(seconds=1)
"""What holds no longer than this is told to nobody: until it arrives it is over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider granted, signed; it holds until `holds_until` of the monotonic clock."""

    signed: Signed
    grant: Grant
    holds_until: float

    @property
    def holds(self) -> bool:
        """Whether it still does."""
        return monotonic() < self.holds_until

    @property
    def age(self) -> dict[str, object]:
        """What is to be said of how old the answer is, and how old it may get."""
        age: dict[str, object] = {}
        if (fresh_for := self.grant.fresh_for) > _MOMENT:
            left = ceil(self.holds_until - monotonic())
            age["fresh_for"] = max(0, min(int(fresh_for.total_seconds()), left))
        if self.grant.stale_since is not None:
            age["stale_since"] = rfc3339(self.grant.stale_since)
        return age


class FreshAnswers:
    """The answers of this process that still hold; nothing outlives a change of its user."""

    def __init__(self, memory: Memory, now: Clock) -> None:
        self._memory = memory
        self._now = now
        self._shelf = Shelf[Answer](memory, SIZE)

    def mark(self) -> int:
        """Return a mark for `put`, to be taken before it is known who asks."""
        return self._memory.mark()

    def get(self, who: Authenticated, service: str) -> Answer | None:
        """Return what *who* was answered about *service*, with the same credential, if it holds."""
        answer = self._shelf.get(_key(who, service), self._now())
        return answer if answer is not None and answer.holds else None

    def put(self, who: Authenticated, service: str, answer: Answer, mark: int) -> None:
        """Remember *answer* for as long as its provider said that it holds."""
        now, fresh_for = self._now(), min(answer.grant.fresh_for, LONGEST)
        if fresh_for:
            signed, key = answer.signed, _key(who, service)
            until = min(now + fresh_for, signed.given_until)
            self._shelf.put(key, answer, since=now, until=until, tags=signed.tags, mark=mark)


def _key(who: Authenticated, service: str) -> tuple[object, ...]:
    return (who.user.id, service, who.principal)
