"""A session begins: the end of every login, by whatever way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dhq_auth.accounts import store as accounts
from dhq_auth.accounts.profile import own_profile, user_info
from dhq_auth.accounts.store import User
from dhq_auth.errors import LoginFailed
from dhq_auth.events import LoggedIn, LoggedOut
from dhq_auth.host_sessions import store as host_sessions
from dhq_auth.sessions import store as sessions
from dhq_auth.sessions.store import NO_DEVICE, Device, NewSession
from dhq_auth.settings import Settings
from dhq_auth.tokens.signing import LOGIN, TokenSigner
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

    The session cookie that the browser had before counts no more, nor do its branches on other
    hosts; beyond MAX_SESSIONS the session that began first ends. Raises LoginFailed for an account that is disabled or gone.
    """
    if not await accounts.hold(tx.db, user.id):
        raise LoginFailed("This account is disabled.")
    expires_at = tx.now + settings.session_duration if settings.session_duration else None
    for ended in await sessions.crowd_out(tx.db, user.id, settings.limits.max_sessions - 1, tx.now):
        tx.emit(LoggedOut(user_id=user.id, user_info=user_info(user), session_id=ended))
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
        await host_sessions.end_of_cookie(tx.db, replaced_cookie)
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


async def login_token(
    signer: TokenSigner, user_id: str, session_id: str, settings: Settings
) -> str:
    """Return a login token of the session, which ends with it."""
    lifetime = settings.login_token_lifetime
    return await signer.sign(LOGIN, user_id, lifetime, {"sid": session_id})


async def answer(
    signer: TokenSigner, user: User, session_id: str, settings: Settings
) -> Mapping[str, Any]:
    """Return what a program is told that has logged in."""
    return {
        "token": await login_token(signer, user.id, session_id, settings),
        "expires_in": int(settings.login_token_lifetime.total_seconds()),
        "profile": own_profile(user),
    }
