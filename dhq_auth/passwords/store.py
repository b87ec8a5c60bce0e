"""The rows of passwords."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Column, ForeignKey, Table, Text, delete, select, update

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.engine import upsert
from dhq_auth.opaque import digest
from dhq_auth.revocations import store as revocations

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),
    # The email that it was registered with: it may be used in place of a name. Not unique, since
    # nobody has verified it, and who registers must not learn whether another did.
    Column("email_key", Text, index=True),
    Column("changed_at", Timestamp, nullable=False),
    # Of a password that the program made: until then it must be changed.
    Column("expires_at", Timestamp),
)


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """What is known of a password: never itself."""

    hash: str = field(repr=False)
    changed_at: datetime
    expires_at: datetime | None


def password_id(user_id: str, changed_at: datetime) -> str:
    """Return what service tokens call this password by: another one of the same user is another.

    A hash that is made anew of the same password is not.
    """
    return digest(f"password:{user_id}:{changed_at.timestamp()}")[:32]


async def password_of(db: Db, user_id: str) -> StoredPassword | None:
    """Return the password of *user_id*, None if there is none."""
    p = passwords.c
    found = await db.execute(select(p.hash, p.changed_at, p.expires_at).where(p.user_id == user_id))
    row = found.one_or_none()
    return StoredPassword(row.hash, row.changed_at, row.expires_at) if row else None


async def set_password(
    db: Db,
    user_id: str,
    hashed: str,
    now: datetime,
    *,
    email_key: str | None,
    expires_at: datetime | None = None,
) -> None:
    """Let *hashed* be the password of *user_id*, in place of the one before.

    *email_key*, a folded email, may be used in place of the username from now on; others may have
    registered with the same. Raises Conflict if there is no such user.
    """
    changed_at = now
    if before := await password_of(db, user_id):
        await revocations.add(db, "sid", password_id(user_id, before.changed_at), now)
        # By it one password is told from the next, also where the clock has not moved on.
        changed_at = max(now, before.changed_at + timedelta(microseconds=1))
    values = {
        "hash": hashed,
        "email_key": email_key,
        "changed_at": changed_at,
        "expires_at": expires_at,
    }
    await db.execute(
        upsert(db, passwords)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=[passwords.c.user_id], set_=values)
    )


async def replace_hash(db: Db, user_id: str, before: str, after: str) -> bool:
    """Keep the same password of *user_id* as *after*; False if it is *before* no more.

    So a password that was changed while the old one was hashed anew stays changed.
    """
    replaced = await db.execute(
        update(passwords)
        .where(passwords.c.user_id == user_id, passwords.c.hash == before)
        .values(hash=after)
        .returning(passwords.c.user_id)
    )
    return replaced.one_or_none() is not None


async def remove_password(db: Db, user_id: str, now: datetime) -> bool:
    """Let *user_id* log in with no password any more; say whether there was one."""
    p = passwords.c
    gone = await db.execute(delete(passwords).where(p.user_id == user_id).returning(p.changed_at))
    changed_at = gone.scalar_one_or_none()
    if changed_at is None:
        return False
    await revocations.add(db, "sid", password_id(user_id, changed_at), now)
    return True
