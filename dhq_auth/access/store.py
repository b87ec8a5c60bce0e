"""Reading an account with its password at once."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, select, union_all

from dhq_auth.accounts import usernames
from dhq_auth.accounts.store import USER_COLUMNS, User, fold_email, user_of, users
from dhq_auth.db import Db
from dhq_auth.passwords.store import passwords

MAX_CANDIDATES: Final = 3
"""How many accounts are tried that were registered with one email, which nobody verified."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user who has a password."""

    user: User
    hash: str = field(repr=False)
    changed_at: datetime
    expires_at: datetime | None


async def accounts_by_name(db: Db, name: str) -> list[Account]:
    """Return whom *name*, a username or an email, may mean: whom it fits best first.

    A username goes before an email, a verified email before those that are only claimed, and of
    these the oldest account first.
    """
    key, email_key = usernames.fold(name), fold_email(name)
    found = union_all(
        select(users.c.id).where(users.c.username_key.in_((f"={name}", key))),
        select(users.c.id).where(users.c.verified_email_key == email_key),
        select(
            select(passwords.c.user_id)
            .join(users, users.c.id == passwords.c.user_id)
            .where(passwords.c.email_key == email_key)
            .order_by(users.c.created_at, users.c.id)
            .limit(MAX_CANDIDATES)
            .subquery()
            .c.user_id
        ),
    )
    accounts = await _accounts(db, users.c.id.in_(found))

    def rank(account: Account) -> tuple[bool, bool, bool, datetime]:
        user = account.user
        verified = user.email_verified and fold_email(user.email or "") == email_key
        named = usernames.fold(user.username or "") == key
        return user.username != name, not named, not verified, user.created_at

    return sorted(accounts, key=rank)[:MAX_CANDIDATES]


async def account_of_user(db: Db, user_id: str) -> Account | None:
    """Return the account of *user_id*, None where there is no such user, or no password."""
    found = await _accounts(db, users.c.id == user_id)
    return found[0] if found else None


async def _accounts(db: Db, condition: ColumnElement[bool]) -> list[Account]:
    rows = await db.execute(
        select(
            *USER_COLUMNS,
            passwords.c.hash,
            passwords.c.changed_at,
            passwords.c.expires_at.label("password_expires_at"),
        )
        .join(passwords, passwords.c.user_id == users.c.id)
        .where(condition)
    )
    return [
        Account(user_of(row), row.hash, row.changed_at, row.password_expires_at) for row in rows
    ]


async def password_facts(db: Db, user_id: str) -> tuple[bool, datetime | None]:
    """Return whether *user_id* has a password, and when it expires, if it does."""
    found = select(passwords.c.expires_at).where(passwords.c.user_id == user_id)
    row = (await db.execute(found)).one_or_none()
    return row is not None, row.expires_at if row else None
