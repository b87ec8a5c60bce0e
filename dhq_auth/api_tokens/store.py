"""The rows of API tokens. What is kept of a token is its digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from dhq_auth.api_tokens.format import hint_of, new_token
from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.opaque import digest, new_id
from dhq_auth.revocations import store as revocations

KEPT: Final = timedelta(days=30)
"""How long its owner still sees a token that was revoked or has expired."""

ENDED_KEPT: Final = 100
"""How many of those of one user; who makes tokens and revokes them for ever fills no table."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    # The user's id again where it is the one developer token of the user.
    Column("developer_of", String(128), unique=True),
    Column("title", Text, nullable=False),
    Column("hint", String(16), nullable=False),
    Column("scopes", JSON(none_as_null=True)),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp),
    Column("used_at", Timestamp),
    Column("revoked_at", Timestamp),
    Index(None, "expires_at"),
    Index(None, "revoked_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """An API token as its owner may see it; without `scopes` it may do all that its owner may."""

    id: str
    user_id: str
    title: str
    hint: str
    scopes: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    is_developer: bool = False

    def is_live(self, now: datetime) -> bool:
        """Whether the token still counts."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


TOKEN_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    api_tokens.c[name].label(f"token_{name}")
    for name in (
        *("id", "user_id", "title", "hint", "scopes", "created_at", "expires_at"),
        *("used_at", "revoked_at", "developer_of"),
    )
)


def token_of(row: Any) -> ApiToken:
    """Return the token in a row that has TOKEN_COLUMNS."""
    return ApiToken(
        id=row.token_id,
        user_id=row.token_user_id,
        title=row.token_title,
        hint=row.token_hint,
        scopes=None if row.token_scopes is None else frozenset(row.token_scopes),
        created_at=row.token_created_at,
        expires_at=row.token_expires_at,
        used_at=row.token_used_at,
        revoked_at=row.token_revoked_at,
        is_developer=row.token_developer_of is not None,
    )


async def add(
    db: Db,
    *,
    user_id: str,
    title: str,
    now: datetime,
    scopes: frozenset[str] | None = None,
    expires_at: datetime | None = None,
    developer: bool = False,
) -> tuple[ApiToken, str]:
    """Make a token of *user_id*; return it with its value, which is nowhere kept.

    Raises Conflict where the user has a developer token already.
    """
    await _forget_ended(db, user_id, now)
    value = new_token()
    token = ApiToken(
        id=new_id(),
        user_id=user_id,
        title=title,
        hint=hint_of(value),
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
        is_developer=developer,
    )
    await db.execute(
        insert(api_tokens).values(
            id=token.id,
            digest=digest(value),
            user_id=user_id,
            developer_of=user_id if developer else None,
            title=title,
            hint=token.hint,
            scopes=None if scopes is None else sorted(scopes),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return token, value


async def _forget_ended(db: Db, user_id: str, now: datetime) -> None:
    """Forget the tokens of *user_id* that ended first, beyond those that are kept to be looked at."""
    a = api_tokens.c
    ended = or_(a.revoked_at.is_not(None), a.expires_at <= now)
    old = select(a.id).where(a.user_id == user_id, ended)
    old = old.order_by(func.coalesce(a.revoked_at, a.expires_at).desc(), a.id).offset(ENDED_KEPT)
    await db.execute(delete(api_tokens).where(a.id.in_(old.with_for_update(skip_locked=True))))


async def developer_token(db: Db, user_id: str) -> ApiToken | None:
    """Return the developer token of *user_id*, live or expired; None if there is none."""
    found = select(*TOKEN_COLUMNS).where(api_tokens.c.developer_of == user_id)
    row = (await db.execute(found)).one_or_none()
    return token_of(row) if row else None


async def count_live(db: Db, user_id: str, now: datetime) -> int:
    """Return how many tokens of *user_id* count now."""
    a = api_tokens.c
    live = (a.revoked_at.is_(None), or_(a.expires_at.is_(None), a.expires_at > now))
    found = await db.execute(select(func.count()).where(a.user_id == user_id, *live))
    return found.scalar_one()


async def is_kept(db: Db, token_id: str) -> bool:
    """Say whether the token *token_id* is there and was not revoked."""
    a = api_tokens.c
    there = select(exists(select(a.id).where(a.id == token_id, a.revoked_at.is_(None))))
    return bool((await db.execute(there)).scalar_one())


async def tokens_of(db: Db, user_id: str, limit: int, after: str | None = None) -> list[ApiToken]:
    """Return up to *limit* API tokens of *user_id* by id, revoked ones too, beyond *after*."""
    mine = api_tokens.c.user_id == user_id
    found = select(*TOKEN_COLUMNS).where(mine).order_by(api_tokens.c.id).limit(limit)
    if after is not None:
        found = found.where(api_tokens.c.id > after)
    return [token_of(row) for row in await db.execute(found)]


async def newest_tokens_of(db: Db, user_id: str, limit: int) -> list[ApiToken]:
    """Return *limit* API tokens of *user_id*: those that were not revoked first, then by age."""
    a = api_tokens.c
    found = select(*TOKEN_COLUMNS).where(a.user_id == user_id)
    found = found.order_by(a.revoked_at.is_not(None), a.created_at.desc(), a.id)
    return [token_of(row) for row in await db.execute(found.limit(limit))]


async def revoke(
    db: Db,
    now: datetime,
    *,
    token_id: str | None = None,
    value: str | None = None,
    user_id: str | None = None,
    developer: bool | None = None,
) -> Sequence[ApiToken]:
    """End the live tokens that all the conditions given fit; return them.

    Without *token_id* and *value* that is every token of *user_id*; *developer* says whether the
    developer token alone is meant, or all but that one.
    """
    a = api_tokens.c
    conditions: list[ColumnElement[bool]] = [a.revoked_at.is_(None)]
    if token_id is not None:
        conditions.append(a.id == token_id)
    if value is not None:
        conditions.append(a.digest == digest(value))
    if user_id is not None:
        conditions.append(a.user_id == user_id)
    if developer is not None:
        conditions.append(a.developer_of.is_not(None) if developer else a.developer_of.is_(None))
    if len(conditions) == 1:
        raise ValueError("say whose tokens, or which one")
    rows = await db.execute(
        update(api_tokens)
        .where(*conditions)
        .values(revoked_at=now, developer_of=None)
        .returning(*TOKEN_COLUMNS)
    )
    revoked = [token_of(row) for row in rows]
    for owner in {token.user_id: None for token in revoked}:
        ids = [token.id for token in revoked if token.user_id == owner]
        await revocations.add_sessions(db, owner, ids, now)
    return revoked


async def touch(db: Db, token_id: str, now: datetime, not_since: datetime) -> None:
    """Remember that the token is used *now*, unless it was used after *not_since* already."""
    a = api_tokens.c
    await db.execute(
        update(api_tokens)
        .where(a.id == token_id, or_(a.used_at.is_(None), a.used_at <= not_since))
        .values(used_at=now)
    )


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* tokens that ended so long ago that nobody looks for them."""
    a = api_tokens.c
    over = or_(a.revoked_at < now - KEPT, a.expires_at < now - KEPT)
    old = select(a.id).where(over).limit(limit).with_for_update(skip_locked=True)
    gone = await db.execute(delete(api_tokens).where(a.id.in_(old)).returning(a.id))
    return len(gone.all())
