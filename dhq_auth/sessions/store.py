"""The rows of sessions. A row that is gone is a session that has ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Select,
    String,
    Table,
    case,
    column,
    delete,
    insert,
    literal,
    or_,
    select,
    table,
    update,
)

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.opaque import digest, new_id, new_secret
from dhq_auth.revocations import store as revocations

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("provider", String(32), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # The cookie's end; None: never. Login tokens of the session may live longer: see keep_until.
    Column("expires_at", Timestamp),
    Column("keep_until", Timestamp),
    # When the cookie was last used, kept to the minute where SESSION_SLIDING or SESSION_IDLE is on.
    Column("used_at", Timestamp),
    # Whose browser it is, for its owner to recognize.
    Column("address", String(64)),
    Column("user_agent", String(255)),
    Index(None, "keep_until"),
)

_users = table("users", column("id"))


@dataclass(frozen=True, slots=True)
class Device:
    """What a session's owner may recognize the browser by; nothing relies on it."""

    address: str | None = None
    user_agent: str | None = None


NO_DEVICE = Device()


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that just began; `secret` is the cookie's value and is nowhere kept."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as its owner may see it."""

    id: str
    provider: str
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None
    keep_until: datetime | None
    address: str | None
    user_agent: str | None

    def ends_at(self, now: datetime) -> datetime | None:
        """Return when it ends by itself: the cookie, or where that is over the last login token."""
        over = self.expires_at is not None and self.expires_at <= now
        return self.keep_until if over else self.expires_at


async def begin(
    db: Db,
    *,
    user_id: str,
    provider: str,
    now: datetime,
    expires_at: datetime | None,
    keep_until: datetime | None,
    device: Device = NO_DEVICE,
) -> NewSession:
    """Begin a session of *user_id*, whose row stays until *keep_until* unless it is ended."""
    session = NewSession(new_id(), new_secret())
    await db.execute(
        insert(sessions).values(
            id=session.id,
            digest=digest(session.secret),
            user_id=user_id,
            provider=provider,
            created_at=now,
            expires_at=expires_at,
            keep_until=keep_until,
            used_at=now,
            address=device.address,
            user_agent=device.user_agent,
        )
    )
    return session


async def crowd_out(db: Db, user_id: str, keep: int, now: datetime) -> Sequence[str]:
    """End the sessions of *user_id* that began first, so that no more than *keep* are left.

    Returns their ids: a few at a time, where the bound was lowered, since that many can be named to
    who follows.
    """
    s = sessions.c
    old = select(s.id).where(s.user_id == user_id).order_by(s.created_at.desc(), s.id)
    old = old.offset(keep).limit(revocations.MOST_OF_A_USER).with_for_update(skip_locked=True)
    ended = await db.execute(delete(sessions).where(s.id.in_(old)).returning(s.id))
    if ids := ended.scalars().all():
        await revocations.add_sessions(db, user_id, ids, now)
    return ids


async def is_there(db: Db, session_id: str, user_id: str) -> bool:
    """Whether the session of *user_id* has not been ended."""
    s = sessions.c
    found = await db.execute(select(s.id).where(s.id == session_id, s.user_id == user_id))
    return found.first() is not None


async def retire_cookie(db: Db, secret: str, now: datetime, keep_until: datetime) -> None:
    """Let the cookie *secret* count no more; login tokens of its session live on.

    The row stays until *keep_until*, when none of them can be alive. Its digest becomes that of a
    secret that nobody has: a clock that is set back, or another replica's, must not revive it.
    """
    await db.execute(
        update(sessions)
        .where(sessions.c.digest == digest(secret))
        .values(digest=digest(new_secret()), expires_at=now, keep_until=keep_until)
    )


async def end(db: Db, session_id: str, user_id: str, now: datetime) -> bool:
    """End one session of *user_id*; say whether it was there."""
    ended = await db.execute(
        delete(sessions)
        .where(sessions.c.id == session_id, sessions.c.user_id == user_id)
        .returning(sessions.c.id)
    )
    if ended.one_or_none() is None:
        return False
    await revocations.add(db, "sid", session_id, now)
    return True


async def renew(
    db: Db,
    session_id: str,
    *,
    used_before: datetime | None,
    now: datetime,
    expires_at: datetime | None,
    keep_until: datetime | None,
) -> None:
    """Remember a use, and how long the session lasts now, unless somebody else just did.

    A login token that was made of it meanwhile may need the row for longer than *keep_until*.
    """
    s = sessions.c
    unchanged = s.used_at.is_(None) if used_before is None else s.used_at == used_before
    wanted = literal(keep_until, Timestamp)
    kept = case((s.keep_until > wanted, s.keep_until), else_=wanted)
    await db.execute(
        update(sessions)
        .where(s.id == session_id, unchanged)
        .values(used_at=now, expires_at=expires_at, keep_until=kept)
    )


async def sessions_of(
    db: Db, user_id: str, now: datetime, limit: int, after: str | None = None
) -> list[Session]:
    """Return up to *limit* sessions of *user_id* by id that cookie or token can use, beyond *after*."""
    found = _of_user(user_id, now).order_by(sessions.c.id).limit(limit)
    if after is not None:
        found = found.where(sessions.c.id > after)
    return [Session(**row) for row in (await db.execute(found)).mappings()]


async def newest_sessions_of(db: Db, user_id: str, now: datetime, limit: int) -> list[Session]:
    """Return the *limit* newest sessions of *user_id* that cookie or token can use."""
    found = _of_user(user_id, now).order_by(sessions.c.created_at.desc(), sessions.c.id)
    return [Session(**row) for row in (await db.execute(found.limit(limit))).mappings()]


def _of_user(user_id: str, now: datetime) -> Select[Any]:
    s = sessions.c
    columns = [s[name] for name in Session.__dataclass_fields__]
    return select(*columns).where(
        s.user_id == user_id, or_(s.keep_until.is_(None), s.keep_until > now)
    )


async def keep_for_token(db: Db, session_id: str, until: datetime) -> None:
    """Keep the row of a session at least *until* a login token ends that is made of it now."""
    s = sessions.c
    await db.execute(
        update(sessions).where(s.id == session_id, s.keep_until < until).values(keep_until=until)
    )


async def end_all(db: Db, user_id: str, now: datetime) -> int:
    """End every session of *user_id*, and with them every login token; return how many.

    The row of the user is locked first. A login at the same moment holds a share of it (by the
    foreign key) until its session can be seen, and one that comes later waits for us: no session
    slips through, and no clock is asked which was first. The row is changed, too: at SERIALIZABLE
    a lock alone puts nothing in order, and who waited for it does not see what the other has done.
    """
    user = _users.c.id == user_id
    await db.execute(select(_users.c.id).where(user).with_for_update())
    await db.execute(update(_users).where(user).values(id=_users.c.id))
    ended = await db.execute(
        delete(sessions).where(sessions.c.user_id == user_id).returning(sessions.c.id)
    )
    ids = ended.scalars().all()
    await revocations.add_sessions(db, user_id, ids, now)
    return len(ids)


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* sessions that neither a cookie nor a token can use any more."""
    old = select(sessions.c.id).where(sessions.c.keep_until < now).limit(limit)
    old = old.with_for_update(skip_locked=True)  # replicas prune at the same time
    gone = await db.execute(delete(sessions).where(sessions.c.id.in_(old)).returning(sessions.c.id))
    return len(gone.all())
