"""The rows of users."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from dhq_auth.accounts import usernames
from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.opaque import new_id
from dhq_auth.revocations import store as revocations

NUMBERS_AT_ONCE = 50

users = Table(
    "users",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("idhash", String(32), nullable=False),
    Column("username", Text),
    Column("username_key", Text, unique=True),
    Column("name", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("email", Text),
    Column("email_verified", Boolean, nullable=False),
    # What a verified email is compared by; an unverified one belongs to nobody and is not unique.
    Column("verified_email_key", Text, unique=True),
    Column("avatar_url", Text),
    Column("provider_id", String(400)),
    Column("is_admin", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Index(None, "provider_id"),
    Index(None, "created_at", "id"),
    Index(None, "is_admin"),
)


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class User:
    """A user, as the database had it at one moment; plain, so that it outlives the connection."""

    id: str
    idhash: str
    username: str | None
    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    email_verified: bool
    avatar_url: str | None
    provider_id: str | None
    is_admin: bool
    is_active: bool
    created_at: datetime
    updated_at: datetime


USER_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    users.c[name] for name in User.__dataclass_fields__
)


def user_of(row: Any) -> User:
    """Return the user in a row that has (or begins with) USER_COLUMNS."""
    return User(**{name: getattr(row, name) for name in User.__dataclass_fields__})


async def user_by_id(db: Db, user_id: str) -> User | None:
    """Return the user *user_id*."""
    return await _one(db, users.c.id == user_id)


async def user_by_username(db: Db, username: str) -> User | None:
    """Return the user called *username*: exactly so, else however it is spelt.

    Where users of 0.1.6 have names that differ in case alone, all but the oldest are kept under
    `=` and the very spelling.
    """
    keys = (f"={username}", usernames.fold(username))
    rows = await db.execute(select(*USER_COLUMNS).where(users.c.username_key.in_(keys)))
    found = sorted(map(user_of, rows), key=lambda user: user.username != username)
    return found[0] if found else None


async def user_by_verified_email(db: Db, email: str) -> User | None:
    """Return the one user to whom *email* was verified to belong."""
    return await _one(db, users.c.verified_email_key == fold_email(email))


async def add_user(db: Db, user: User) -> None:
    """Add *user*; Conflict if the username or the verified email is somebody's."""
    values = {name: getattr(user, name) for name in User.__dataclass_fields__}
    await db.execute(
        insert(users).values(
            **values,
            username_key=usernames.fold(user.username) if user.username else None,
            verified_email_key=_verified_email_key(user),
        )
    )


async def lock_user(db: Db, user_id: str) -> User | None:
    """Return the user *user_id* as nobody else changes it until the end of *db*."""
    found = select(*USER_COLUMNS).where(users.c.id == user_id).with_for_update()
    row = (await db.execute(found)).one_or_none()
    return user_of(row) if row else None


async def lock_administrators(db: Db) -> dict[str, User]:
    """Return all enabled administrators by their ids, and keep them so until the end of *db*.

    Of two who take the right from one another at once, the second sees what the first has done.
    """
    found = await db.execute(
        select(*USER_COLUMNS)
        .where(users.c.is_admin, users.c.is_active)
        .order_by(users.c.id)
        .with_for_update()
    )
    return {user.id: user for user in map(user_of, found)}


async def update_user(db: Db, before: User, after: User) -> None:
    """Write what differs between *before* and *after*, and nothing else that others may change.

    Id and username stay as they are. Raises Conflict as `add_user` does.
    """
    kept = {"id", "idhash", "username", "created_at"}
    values = {
        name: getattr(after, name)
        for name in User.__dataclass_fields__
        if name not in kept and getattr(after, name) != getattr(before, name)
    }
    if values.keys() & {"email", "email_verified"}:
        values |= {
            "email": after.email,
            "email_verified": after.email_verified,
            "verified_email_key": _verified_email_key(after),
        }
    if values:
        await db.execute(update(users).where(users.c.id == after.id).values(**values))
        await revocations.add_changed(db, after.id, after.updated_at)


async def hold(db: Db, user_id: str, *, alone: bool = False) -> bool:
    """Say whether *user_id* is there and enabled, and keep it so until the end of *db*.

    Who ends everything of a user locks the row; we wait for that, and then see what was done.
    With *alone* we also wait for others who asked for that: what is counted then stays so.
    """
    held = select(users.c.is_active).where(users.c.id == user_id)
    found = await db.execute(held.with_for_update(read=not alone, key_share=True))
    return bool(found.scalar_one_or_none())


async def delete_user(db: Db, user_id: str) -> bool:
    """Delete *user_id*, and by cascade all that is the user's; say whether there was one."""
    deleted = await db.execute(delete(users).where(users.c.id == user_id).returning(users.c.id))
    return deleted.one_or_none() is not None


async def choose_username(db: Db, user_id: str, username: str, now: datetime) -> bool:
    """Give *user_id* the checked *username* unless there is one already: in one statement.

    Returns whether it was given; raises Conflict if somebody else has it.
    """
    result = await db.execute(
        update(users)
        .where(users.c.id == user_id, users.c.username.is_(None))
        .values(username=username, username_key=usernames.fold(username), updated_at=now)
        .returning(users.c.id)
    )
    if result.one_or_none() is None:
        return False
    await revocations.add_changed(db, user_id, now)
    return True


async def free_username(db: Db, wanted: str) -> str:
    """Return *wanted*, or *wanted* with the first number behind it that makes it free."""
    for first in count(step=NUMBERS_AT_ONCE):
        numbers = range(first, first + NUMBERS_AT_ONCE)
        candidates = [f"{wanted}{number or ''}" for number in numbers]
        keys = [usernames.fold(candidate) for candidate in candidates]
        rows = await db.execute(select(users.c.username_key).where(users.c.username_key.in_(keys)))
        taken = {*rows.scalars(), *usernames.RESERVED}
        for candidate, key in zip(candidates, keys, strict=True):
            if key not in taken:
                return candidate
    raise AssertionError("there is always another number")


def fold_email(email: str) -> str:
    """Return what *email* is compared by: letters of either case are the same, ASCII ones.

    Of the others Unicode takes some for ASCII (the Kelvin sign for a k, a long s for an s), which
    would make one account of two mailboxes.
    """
    return email.lower() if email.isascii() else email


def new_user(now: datetime, **known: Any) -> User:
    """Return a user with an id that is opaque, never reused and not derived from anything."""
    fields: dict[str, Any] = {
        "id": new_id(),
        "idhash": new_id(),
        "username": None,
        "name": None,
        "first_name": None,
        "last_name": None,
        "email": None,
        "email_verified": False,
        "avatar_url": None,
        "provider_id": None,
        "is_admin": False,
        "is_active": True,
        "created_at": now,
        "updated_at": now,
    }
    return User(**{**fields, **known})


def _verified_email_key(user: User) -> str | None:
    return fold_email(user.email) if user.email and user.email_verified else None


async def _one(db: Db, *conditions: ColumnElement[bool]) -> User | None:
    row = (await db.execute(select(*USER_COLUMNS).where(*conditions))).one_or_none()
    return user_of(row) if row else None
