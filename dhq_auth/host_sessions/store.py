"""The rows of sessions on other hosts. One whose row, or whose session's row, is gone has ended."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    column,
    delete,
    insert,
    select,
    table,
)

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.opaque import digest, new_secret

host_sessions = Table(
    "host_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("session_id", ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("origin", String(300), nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # None: with its session, which slides or never ends.
    Column("expires_at", Timestamp),
    Index(None, "expires_at"),
)

_sessions = table("sessions", column("id"), column("digest"), column("expires_at", Timestamp))

SETTLED: Final = timedelta(minutes=1)
"""After which the tabs of a browser that came here together have all got their answer."""


async def begin(db: Db, *, session_id: str, origin: str, now: datetime, slides: bool) -> str | None:
    """Begin a branch of a session at *origin*; return the secret of its cookie, kept nowhere.

    It ends with the session: by the row, and where the session never *slides* at the same time.
    None if the cookie of the session itself counts no more. A session is of one browser, so that
    what it had there before is over, but for what other tabs got just now: which of their answers
    the browser keeps is not known.
    """
    found = await db.execute(select(_sessions.c.expires_at).where(_sessions.c.id == session_id))
    session = found.one_or_none()
    if session is None or (session.expires_at is not None and session.expires_at <= now):
        return None
    h = host_sessions.c
    await db.execute(
        delete(host_sessions).where(
            h.session_id == session_id, h.origin == origin, h.created_at <= now - SETTLED
        )
    )
    secret = new_secret()
    await db.execute(
        insert(host_sessions).values(
            digest=digest(secret),
            session_id=session_id,
            origin=origin,
            created_at=now,
            expires_at=None if slides else session.expires_at,
        )
    )
    return secret


async def end(db: Db, secret: str) -> bool:
    """End the branch whose cookie is *secret*; say whether it was there."""
    h = host_sessions.c
    ended = delete(host_sessions).where(h.digest == digest(secret)).returning(h.digest)
    return (await db.execute(ended)).one_or_none() is not None


async def end_of_cookie(db: Db, secret: str) -> None:
    """End the branches of the session whose own cookie is *secret*."""
    of_it = select(_sessions.c.id).where(_sessions.c.digest == digest(secret))
    await db.execute(delete(host_sessions).where(host_sessions.c.session_id.in_(of_it)))


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* branches whose time is over; return how many."""
    h = host_sessions.c
    old = select(h.digest).where(h.expires_at < now).limit(limit)
    old = old.with_for_update(skip_locked=True)  # replicas prune at the same time
    gone = delete(host_sessions).where(h.digest.in_(old)).returning(h.digest)
    return len((await db.execute(gone)).all())
