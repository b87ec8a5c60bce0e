"""Reading a session and its user at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, literal, or_, select

from dhq_auth.accounts.store import USER_COLUMNS, User, user_of, users
from dhq_auth.db import Db
from dhq_auth.sessions.store import sessions
from dhq_auth.tokens.signing import VerifiedClaims
from dhq_auth.tokens.store import is_revoked


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has not ended, of a user who is enabled."""

    session_id: str
    user: User
    expires_at: datetime | None


async def session_of_token(db: Db, claims: VerifiedClaims) -> LiveSession | None:
    """Return the session of a login token, or None if it has ended or the token is revoked."""
    return await _live(
        db,
        sessions.c.id == claims.session_id,
        sessions.c.user_id == claims.user_id,
        ~is_revoked(literal(claims.token_id)),
    )


async def session_of_cookie(db: Db, secret_digest: str, now: datetime) -> LiveSession | None:
    """Return the session whose cookie has *secret_digest*, or None if it has ended."""
    return await _live(
        db,
        sessions.c.digest == secret_digest,
        or_(sessions.c.expires_at.is_(None), sessions.c.expires_at > now),
    )


async def _live(db: Db, *conditions: ColumnElement[bool]) -> LiveSession | None:
    found = await db.execute(
        select(
            *USER_COLUMNS,
            sessions.c.id.label("session_id"),
            sessions.c.expires_at.label("session_expires_at"),
        )
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(users.c.is_active, *conditions)
    )
    row = found.one_or_none()
    return LiveSession(row.session_id, user_of(row), row.session_expires_at) if row else None
