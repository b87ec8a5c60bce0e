"""The sessions behind login tokens, so that the next token of one costs no query."""

from datetime import timedelta
from typing import Final

from dhq_auth.credentials.store import LiveSession, session_of_token
from dhq_auth.revocations.memory import Memory, Shelf
from dhq_auth.tokens.signing import VerifiedClaims
from dhq_auth.work import Work

LONGEST: Final = timedelta(minutes=1)
"""For how long a session is believed to be there without a look at its row."""
SIZE: Final = 4096
"""Sessions that are remembered, with their users: about two KiB apiece."""


class LiveSessions:
    """Sessions that were there, until something about them or their users ends.

    What is known of a session holds for all its login tokens: none of them is revoked but together
    with it (`self_service.logout`).
    """

    def __init__(self, work: Work, memory: Memory) -> None:
        self._work = work
        self._memory = memory
        self._shelf = Shelf[LiveSession](memory, SIZE)

    async def of_token(self, claims: VerifiedClaims, *, remember: bool) -> LiveSession | None:
        """Return the session of a login token, or None if it has ended or the token is revoked.

        With *remember* it is not read again where it is known that nothing of it has ended.
        """
        now, mark = self._work.now(), self._memory.mark()
        if remember and (known := self._shelf.get(claims.session_id, now)) is not None:
            return known if known.user.id == claims.user_id else None
        session = await session_of_token(self._work, claims)
        if session is not None:
            tags = (("user", session.user.id), ("sid", session.session_id))
            self._shelf.put(
                session.session_id, session, since=now, until=now + LONGEST, tags=tags, mark=mark
            )
        return session
