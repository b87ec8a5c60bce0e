"""A session begins: the end of every login, by whatever way."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dhq_auth.accounts.profile import user_info
from dhq_auth.accounts.store import User
from dhq_auth.events import LoggedIn
from dhq_auth.sessions import store as sessions
from dhq_auth.sessions.store import NO_DEVICE, Device, NewSession
from dhq_auth.settings import Settings
from dhq_auth.work import Transaction


@dataclass(frozen=True, slots=True)
class Login:
    """A user who has just logged in, and the session of it."""

    user: User
    session: NewSession


async def begin_session(
    tx: Transaction,
    user: User,
    provider: str,
    settings: Settings,
    *,
    device: Device = NO_DEVICE,
    replaced_cookie: str | None = None,
) -> Login:
    """Begin a session of *user*, whose row outlives its cookie for as long as its login token.

    The session cookie that the browser had before counts no more.
    """
    expires_at = tx.now + settings.session_duration if settings.session_duration else None
    session = await sessions.begin(
        tx.db,
        user_id=user.id,
        provider=provider,
        now=tx.now,
        expires_at=expires_at,
        keep_until=keep_until(tx.now, expires_at, settings),
        device=device,
    )
    if replaced_cookie:
        await sessions.retire_cookie(
            tx.db, replaced_cookie, tx.now, last_token_ends(tx.now, settings)
        )
    tx.emit(
        LoggedIn(
            user_id=user.id, user_info=user_info(user), provider=provider, session_id=session.id
        )
    )
    return Login(user, session)


def keep_until(now: datetime, expires_at: datetime | None, settings: Settings) -> datetime | None:
    """Return until when the row of a session must stay whose cookie ends at *expires_at*."""
    if expires_at is None:
        return None
    return max(last_token_ends(now, settings), expires_at + timedelta(seconds=1))


def last_token_ends(now: datetime, settings: Settings) -> datetime:
    """Return when no login token can be alive that was made, or promised by a code, until *now*."""
    limits = settings.limits
    return now + settings.login_token_lifetime + limits.login_code_lifetime + limits.clock_leeway
