"""The sessions behind login tokens, so that the next token of one costs no query."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dhq_auth.credentials.store import LiveSession, session_of_token
from dhq_auth.revocations.memory import LONGEST, Memory, Shelf
from dhq_auth.tokens.signing import VerifiedClaims
from dhq_auth.work import Work

SIZE: Final = 4096
"""Sessions that are remembered, with their users: about two KiB apiece."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A session that was there, and until when it is believed to be without another look."""

    session: LiveSession
    until: datetime


class LiveSessions:
    """Sessions that were there, until something about them or their users ends.

    What is known of a session holds for all its login tokens: none of them is revoked but together
    with it (`self_service.logout`).
    """

    def __init__(self, work: Work, memory: Memory) -> None:
        self._work = work
        self._memory = memory
        self._shelf = Shelf[Seen](memory, SIZE)

    async def of_token(self, claims: VerifiedClaims, *, remember: bool) -> Seen | None:
        """Return the session of a login token, or None if it has ended or the token is revoked.

        With *remember* it is not read again where it is known that nothing of it has ended.
        """
        if remember and (known := self.known(claims)) is not None:
            return known
        now, mark = self._work.now(), self._memory.mark()
        session = await session_of_token(self._work, claims)
        if session is None:
            return None
        seen = Seen(session, now + LONGEST)
        tags = (("user", session.user.id), ("sid", session.session_id))
        self._shelf.put(session.session_id, seen, since=now, until=seen.until, tags=tags, mark=mark)
        return seen

    def knows(self, session_id: object) -> bool:
        """Whether anything is remembered of the session."""
        return session_id in self._shelf

    def known(self, claims: VerifiedClaims) -> Seen | None:
        """Return the session of a login token where it is known that nothing of it has ended."""
        seen = self._shelf.get(claims.session_id, self._work.now())
        return seen if seen is not None and seen.session.user.id == claims.user_id else None
