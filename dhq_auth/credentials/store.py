"""Reading a credential and its user at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, or_, select

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
from dhq_auth.question import Question, Row
from dhq_auth.sessions.store import sessions
from dhq_auth.tokens.revoked.store import is_revoked
from dhq_auth.tokens.signing import VerifiedClaims
from dhq_auth.work import Work


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has not ended, of a user who is enabled."""

    session_id: str
    user: User
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    keep_until: datetime | None


async def session_of_token(work: Work, claims: VerifiedClaims) -> LiveSession | None:
    """Return the session of a login token, or None if it has ended or the token is revoked."""
    rows = await work.ask(
        _OF_LOGIN_TOKEN,
        session_id=claims.session_id,
        user_id=claims.user_id,
        token_id=claims.token_id,
    )
    return _live_session(rows)


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


async def user_of_api_token(work: Work, token_digest: str) -> tuple[ApiToken, User] | None:
    """Return the API token of *token_digest*, live or not, and whose it is."""
    rows = await work.ask(_OF_API_TOKEN, digest=token_digest)
    return (token_of(rows[0]), user_of(rows[0])) if rows else None


async def user_of_identity(db: Db, issuer: str, subject: str, *, local: bool) -> User | None:
    """Return whom *issuer* means by *subject*: a user linked to it, or with *local* an id of ours."""
    if local:
        return await user_by_id(db, subject)
    return await user_by_identity(db, issuer, subject)


async def _live(db: Db, *conditions: ColumnElement[bool]) -> LiveSession | None:
    return _live_session((await db.execute(_sessions_where(*conditions))).all())


def _sessions_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    return (
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


def _live_session(rows: Sequence[Row]) -> LiveSession | None:
    """Return the session in the one of *rows*, if there is one."""
    if not rows:
        return None
    (row,) = rows
    return LiveSession(
        session_id=row.session_id,
        user=user_of(row),
        created_at=row.session_created_at,
        used_at=row.session_used_at,
        expires_at=row.session_expires_at,
        keep_until=row.session_keep_until,
    )


_OF_LOGIN_TOKEN: Final = Question(
    "OfLoginToken",
    _sessions_where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.user_id == bindparam("user_id"),
        ~is_revoked(bindparam("token_id")),
    ),
)
_OF_API_TOKEN: Final = Question(
    "OfApiToken",
    select(*USER_COLUMNS, *TOKEN_COLUMNS)
    .join(api_tokens, api_tokens.c.user_id == users.c.id)
    .where(api_tokens.c.digest == bindparam("digest")),
)
