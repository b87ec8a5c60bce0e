"""Reading a credential and its user at once."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, literal, or_, select

from dhq_auth.accounts.identities.store import user_by_identity
from dhq_auth.accounts.store import (
    USER_COLUMNS,
    User,
    user_by_id,
    user_of,
    users,
)
from dhq_auth.api_tokens.store import TOKEN_COLUMNS, ApiToken, api_tokens, token_of
from dhq_auth.db import Db
from dhq_auth.host_sessions.store import host_sessions
from dhq_auth.sessions.store import sessions
from dhq_auth.tokens.signing import VerifiedClaims
from dhq_auth.tokens.store import is_revoked


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has not ended, of a user who is enabled."""

    session_id: str
    user: User
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    keep_until: datetime | None


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


async def session_of_host(
    db: Db, secret_digest: str, origin: str, now: datetime
) -> LiveSession | None:
    """Return the session whose branch at *origin* has *secret_digest*; None if either has ended."""
    h = host_sessions.c
    branch = select(h.session_id).where(
        h.digest == secret_digest,
        h.origin == origin,
        or_(h.expires_at.is_(None), h.expires_at > now),
    )
    return await _live(
        db,
        sessions.c.id == branch.scalar_subquery(),
        or_(sessions.c.expires_at.is_(None), sessions.c.expires_at > now),
    )


async def user_of_api_token(db: Db, token_digest: str) -> tuple[ApiToken, User] | None:
    """Return the API token of *token_digest*, live or not, and whose it is."""
    found = await db.execute(
        select(*USER_COLUMNS, *TOKEN_COLUMNS)
        .join(api_tokens, api_tokens.c.user_id == users.c.id)
        .where(api_tokens.c.digest == token_digest)
    )
    row = found.one_or_none()
    return (token_of(row), user_of(row)) if row else None


async def user_of_identity(db: Db, issuer: str, subject: str, *, local: bool) -> User | None:
    """Return whom *issuer* means by *subject*: a user linked to it, or with *local* an id of ours."""
    if local:
        return await user_by_id(db, subject)
    return await user_by_identity(db, issuer, subject)


async def _live(db: Db, *conditions: ColumnElement[bool]) -> LiveSession | None:
    found = await db.execute(
        select(
            *USER_COLUMNS,
            sessions.c.id.label("session_id"),
            sessions.c.created_at.label("session_created_at"),
            sessions.c.used_at.label("session_used_at"),
            sessions.c.expires_at.label("session_expires_at"),
            sessions.c.keep_until.label("session_keep_until"),
        )
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(users.c.is_active, *conditions)
    )
    row = found.one_or_none()
    if row is None:
        return None
    return LiveSession(
        session_id=row.session_id,
        user=user_of(row),
        created_at=row.session_created_at,
        used_at=row.session_used_at,
        expires_at=row.session_expires_at,
        keep_until=row.session_keep_until,
    )
