"""The rows of identities, by which users come in from login providers and trusted issuers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, exists, insert, select, update

from dhq_auth.accounts.store import USER_COLUMNS, User, user_of, users
from dhq_auth.db import Db, Timestamp, metadata

MAX_SUBJECT = 255
"""Characters of a subject (OpenID Connect Core 2)."""

identities = Table(
    "identities",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("provider", String(32), nullable=False),
    Column("linked_at", Timestamp, nullable=False),
    Column("last_login_at", Timestamp, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A way in: who the user is at a login provider."""

    provider: str
    issuer: str
    subject: str
    linked_at: datetime
    last_login_at: datetime


async def user_by_identity(db: Db, issuer: str, subject: str) -> User | None:
    """Return the user whom *issuer* knows as *subject* (OpenID Connect Core 5.7)."""
    found = select(*USER_COLUMNS).join(identities, identities.c.user_id == users.c.id)
    row = (
        await db.execute(
            found.where(identities.c.issuer == issuer, identities.c.subject == subject)
        )
    ).one_or_none()
    return user_of(row) if row else None


async def user_without_identity(
    db: Db, *, user_id: str | None = None, provider_id: str | None = None
) -> User | None:
    """Return a user of dhq-auth 0.1.6 who has not logged in since, by id or by provider."""
    wanted = users.c.id == user_id if user_id else users.c.provider_id == provider_id
    unlinked = ~exists().where(identities.c.user_id == users.c.id)
    rows = await db.execute(
        select(*USER_COLUMNS).where(wanted, unlinked).order_by(users.c.created_at).limit(1)
    )
    row = rows.one_or_none()
    return user_of(row) if row else None


async def add_identity(
    db: Db, *, user_id: str, issuer: str, subject: str, provider: str, now: datetime
) -> None:
    """Let *user_id* in as *subject* of *issuer*; Conflict if that is somebody already."""
    await db.execute(
        insert(identities).values(
            issuer=issuer,
            subject=subject,
            user_id=user_id,
            provider=provider,
            linked_at=now,
            last_login_at=now,
        )
    )


async def identities_of(db: Db, user_id: str) -> list[Identity]:
    """Return the identities of *user_id* at login providers, the oldest first."""
    i = identities.c
    found = (
        select(*(i[name] for name in Identity.__dataclass_fields__))
        .where(i.user_id == user_id)
        .order_by(i.linked_at, i.issuer, i.subject)
    )
    return [Identity(**row) for row in (await db.execute(found)).mappings()]


async def touch_identity(db: Db, issuer: str, subject: str, now: datetime) -> None:
    """Remember that *subject* of *issuer* logged in."""
    await db.execute(
        update(identities)
        .where(identities.c.issuer == issuer, identities.c.subject == subject)
        .values(last_login_at=now)
    )
