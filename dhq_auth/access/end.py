"""Access ends: one session, or everything that a user could come in with."""

from collections.abc import Iterable

from dhq_auth.accounts.profile import user_info
from dhq_auth.accounts.store import User
from dhq_auth.api_tokens import store as api_tokens
from dhq_auth.api_tokens.store import ApiToken
from dhq_auth.events import LoggedOut, TokenRevoked
from dhq_auth.revocations import store as revocations
from dhq_auth.revocations.store import SKEW
from dhq_auth.sessions import store as sessions
from dhq_auth.work import Transaction


async def end_session(tx: Transaction, user: User, session_id: str) -> bool:
    """End one session of *user*, and with it its login tokens; say whether it was there."""
    ended = await sessions.end(tx.db, session_id, user.id, tx.now)
    if ended:
        tx.emit(LoggedOut(user_id=user.id, user_info=user_info(user), session_id=session_id))
    return ended


async def end_sessions(tx: Transaction, user: User) -> int:
    """End every session of *user*, and with them every login token; return how many."""
    ended = await sessions.end_all(tx.db, user.id, tx.now)
    if ended:
        tx.emit(
            LoggedOut(user_id=user.id, user_info=user_info(user), session_id=None, everywhere=True)
        )
    return ended


async def end_everything(tx: Transaction, user: User, how: str, *, for_good: bool = False) -> int:
    """End every session, login token and API token of *user*; return how many there were.

    The row of the user is locked by this, so that no login at the same moment slips through. *for_good*
    is for a user who does not come back at once. Service tokens that are out are refused by what
    they were made with; for those of which that is not ours, and of the version before, by their age:
    for good those, too, that are signed at this moment, else none that may be new on another clock.
    """
    ended = await end_sessions(tx, user)
    revoked = await api_tokens.revoke(tx.db, tx.now, user_id=user.id)
    until = tx.now + SKEW if for_good else tx.now - SKEW
    await revocations.add(tx.db, "user", user.id, until)
    tell_revoked(tx, revoked, how)
    return ended + len(revoked)


def tell_revoked(tx: Transaction, revoked: Iterable[ApiToken], how: str) -> None:
    """Let it be known that these tokens ended, and *how*."""
    for token in revoked:
        tx.emit(TokenRevoked(user_id=token.user_id, token_id=token.id, how=how))
