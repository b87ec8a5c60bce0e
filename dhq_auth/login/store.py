"""The rows of logins under way, and of one-time codes. No secret is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, delete, func, insert, select
from sqlalchemy import update as sql_update

from dhq_auth.accounts.store import USER_COLUMNS, User, user_of, users
from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.sessions.store import sessions

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("state_digest", String(64), primary_key=True),
    Column("browser_digest", String(64), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("next", Text),
    Column("code_challenge", String(128)),
    Column("expires_at", Timestamp, nullable=False),
    Index(None, "expires_at"),
)

login_codes = Table(
    "login_codes",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("session_id", String(64), nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("code_challenge", String(128), nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("spent_at", Timestamp),
    Index(None, "expires_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A login under way: which provider was asked, by which browser, and where it leads.

    `code_challenge` is set where the application asked for a one-time code (RFC 7636 4.2).
    """

    state_digest: str
    browser_digest: str
    provider: str
    next: str | None
    code_challenge: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginCode:
    """A one-time code for the session of a user."""

    digest: str
    session_id: str
    user_id: str
    code_challenge: str
    expires_at: datetime


async def add_attempt(db: Db, attempt: Attempt) -> None:
    """Remember *attempt* until its callback comes or its time is over."""
    await db.execute(insert(login_attempts).values(**_values(attempt)))


async def is_under_way(db: Db, state_digest: str) -> bool:
    """Whether there is a login of this `state`."""
    found = select(login_attempts.c.state_digest).where(
        login_attempts.c.state_digest == state_digest
    )
    return (await db.execute(found)).first() is not None


async def take_attempt(db: Db, state_digest: str) -> Attempt | None:
    """Spend the attempt of a `state`: whoever comes second gets None."""
    taken = await db.execute(
        delete(login_attempts)
        .where(login_attempts.c.state_digest == state_digest)
        .returning(*login_attempts.c)
    )
    row = taken.one_or_none()
    return Attempt(**row._mapping) if row else None  # noqa: SLF001 - SQLAlchemy's public API


async def count_attempts(db: Db) -> int:
    """Return how many logins are under way."""
    return (await db.execute(select(func.count()).select_from(login_attempts))).scalar_one()


async def add_code(db: Db, code: LoginCode) -> None:
    """Remember *code* until it is redeemed or its time is over."""
    await db.execute(insert(login_codes).values(**_values(code)))


async def redeem_code(db: Db, code_digest: str, now: datetime) -> LoginCode | None:
    """Spend a code, in one statement: of many who come at once one gets it."""
    spent = await db.execute(
        sql_update(login_codes)
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
    """Forget up to *limit* attempts, and as many codes, whose time is over; return how many."""
    gone = 0
    for table, key in (
        (login_attempts, login_attempts.c.state_digest),
        (login_codes, login_codes.c.digest),
    ):
        old = select(key).where(table.c.expires_at < now).limit(limit)
        gone += len((await db.execute(delete(table).where(key.in_(old)).returning(key))).all())
    return gone


def _code(row: Any) -> LoginCode | None:
    if row is None:
        return None
    return LoginCode(**{name: getattr(row, name) for name in LoginCode.__dataclass_fields__})


def _values(record: Attempt | LoginCode) -> Mapping[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
