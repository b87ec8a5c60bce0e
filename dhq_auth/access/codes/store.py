"""The rows of one-time login codes. No secret is in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table, delete, insert, select, update

from dhq_auth.accounts.store import USER_COLUMNS, User, user_of, users
from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.sessions.store import sessions

login_codes = Table(
    "login_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("session_id", String(64), nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("code_challenge", String(128), nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("spent_at", Timestamp),
    # The origin of the application behind a proxy that the code is for, and for nothing else.
    Column("handed_to", String(300)),
    Index(None, "expires_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCode:
    """A one-time code for the session of a user.

    With `handed_to` it is good for a branch of that session at that origin, without for a token.
    """

    digest: str
    session_id: str
    user_id: str
    code_challenge: str
    expires_at: datetime
    handed_to: str | None = None


async def add_code(db: Db, code: LoginCode) -> None:
    """Remember *code* until it is redeemed or its time is over."""
    values = {name: getattr(code, name) for name in LoginCode.__dataclass_fields__}
    await db.execute(insert(login_codes).values(**values))


async def redeem_code(db: Db, code_digest: str, now: datetime) -> LoginCode | None:
    """Spend a code, in one statement: of many who come at once one gets it."""
    spent = await db.execute(
        update(login_codes)
        .where(login_codes.c.digest == code_digest, login_codes.c.spent_at.is_(None))
        .values(spent_at=now)
        .returning(*login_codes.c)
    )
    return _code(spent.one_or_none())


async def user_of_code(db: Db, code: LoginCode) -> User | None:
    """Return whose login *code* stands for; None once that has ended, or the user is disabled."""
    found = await db.execute(
        select(*USER_COLUMNS)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.id == code.session_id, users.c.id == code.user_id, users.c.is_active)
    )
    row = found.one_or_none()
    return user_of(row) if row else None


async def known_code(db: Db, code_digest: str) -> LoginCode | None:
    """Return a code that was given to somebody, redeemed or not."""
    found = await db.execute(select(*login_codes.c).where(login_codes.c.digest == code_digest))
    return _code(found.one_or_none())


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* codes whose time is over; return how many."""
    old = select(login_codes.c.digest).where(login_codes.c.expires_at < now).limit(limit)
    gone = delete(login_codes).where(login_codes.c.digest.in_(old))
    return len((await db.execute(gone.returning(login_codes.c.digest))).all())


def _code(row: Any) -> LoginCode | None:
    if row is None:
        return None
    return LoginCode(**{name: getattr(row, name) for name in LoginCode.__dataclass_fields__})
