"""The rows of the revocation feed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    String,
    Table,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    select,
    table,
    update,
)

from dhq_auth.db import Database, Db, Timestamp, metadata
from dhq_auth.duties import store as duties
from dhq_auth.engine import upsert
from dhq_auth.errors import RevocationsGone
from dhq_auth.opaque import digest, new_id
from dhq_auth.revocations.page import Cursor, Entry, Kind, Page

SKEW: Final = timedelta(minutes=1)
"""How far our clocks may be apart, and how long a token may be under way until it is signed."""
KEPT_LONGER: Final = timedelta(hours=1)
"""How long an entry outlives the tokens that it is about: clocks that are set back."""
UNKNOWN: Final = timedelta(days=1)
"""How long tokens may live of keys that no process of this version has used yet."""
CHANGED: Final = "changed"
"""The kind of what is told to our own processes alone: of this user they remember nothing more."""
MOST_OF_A_USER: Final = 200
"""Sessions and tokens that are named each when they end at once; of more, the user is named."""

revocation_feed = Table(
    "revocation_feed",
    metadata,
    Column("id", String(64), primary_key=True),
    # Given by the sealing step, after the commit: who follows never misses one that came late.
    Column("position", BigInteger),
    Column("kind", String(8), nullable=False),
    Column("value", String(128), nullable=False),
    Column("revoked_at", Timestamp, nullable=False),
    Index("uq_revocation_feed_position", "position", unique=True),
    Index(None, "revoked_at"),
)

_f = revocation_feed.c
_keys = table("signing_keys", column("purpose"), column("longest_lifetime"))
_given_keys = table("given_keys", column("longest_lifetime"))


@dataclass(frozen=True, slots=True)
class State:
    """Where the feed ends, and whether there is something that has no position yet."""

    head: int
    unsealed: bool


async def add(db: Db, kind: Kind, value: str, now: datetime) -> None:
    """Let it be known with the commit that *value* ended *now*, before its time.

    Of a user, the tokens that were made until *now* are meant. What is known already stays as it is.
    """
    await _add(db, kind, [value], now)


async def add_sessions(db: Db, user_id: str, ids: Sequence[str], now: datetime) -> None:
    """Let it be known that these sessions or API tokens of *user_id* ended *now*.

    Of too many to name, everything of the user is refused that is made in the next minute, too:
    what is being signed would slip through else.
    """
    if len(ids) > MOST_OF_A_USER:
        await add(db, "user", user_id, now + SKEW)
    elif ids:
        await _add(db, "sid", ids, now)


async def add_changed(db: Db, user_id: str, now: datetime) -> None:
    """Let our other processes know with the commit that this user is another than they may remember."""
    row = {"id": new_id(), "kind": CHANGED, "value": user_id, "revoked_at": now}
    await db.execute(insert(revocation_feed).values(row))


async def _add(db: Db, kind: Kind, values: Sequence[str], at: datetime) -> None:
    when = f":{at.timestamp()}" if kind == "user" else ""
    rows = [
        {"id": digest(f"{kind}:{value}{when}"), "kind": kind, "value": value, "revoked_at": at}
        for value in values
    ]
    await db.execute(upsert(db, revocation_feed).values(rows).on_conflict_do_nothing())


_head = select(duties.duties.c.counter).where(duties.duties.c.name == duties.REVOCATIONS)
_state = select(_head.scalar_subquery(), exists().where(_f.position.is_(None)))


async def state(db: Db) -> State:
    """Return how the feed stands."""
    head, unsealed = (await db.execute(_state)).one()
    return State(head or 0, bool(unsealed))


async def glance(database: Database) -> State:
    """Return how the feed stands; every process asks several times a second."""
    [(head, unsealed)] = await database.glance(_state)
    return State(head or 0, bool(unsealed))


async def seal(db: Db, limit: int) -> int | None:
    """Give positions to up to *limit* entries that have none; return how many these were.

    They are seen only once they are committed, so a transaction that is slow gets a later position.
    None where another process does this now. Positions become visible in their order: whoever
    seals holds the duty until the commit.
    """
    head = await duties.hold(db, duties.REVOCATIONS)
    if head is None:
        return None
    found = select(_f.id).where(_f.position.is_(None)).order_by(_f.revoked_at, _f.id).limit(limit)
    ids = (await db.execute(found)).scalars().all()
    if ids:
        # After a repair of tables by hand the counter may be behind.
        head = max(head, (await db.execute(select(func.max(_f.position)))).scalar_one() or 0)
        sealed = [{"entry": id_, "at": head + place} for place, id_ in enumerate(ids, start=1)]
        given = update(revocation_feed).where(_f.id == bindparam("entry"))
        await db.execute(given.values(position=bindparam("at")), sealed)
        await duties.advance(db, duties.REVOCATIONS, head + len(ids))
    return len(ids)


async def news(db: Db, position: int, limit: int) -> list[tuple[str, str]]:
    """Return kind and value of up to *limit* entries after *position*, in their order."""
    found = select(_f.kind, _f.value).where(_f.position > position)
    rows = await db.execute(found.order_by(_f.position).limit(limit))
    return [(row.kind, row.value) for row in rows]


async def page(db: Db, since: Cursor | None, limit: int) -> Page:
    """Return up to *limit* entries after *since*, or from the first that is kept.

    Raises RevocationsGone where *since* is of a feed that is no more: what came next was forgotten, or it was
    written after the backup that this database was restored from.
    """
    head = (await state(db)).head
    first = (await db.execute(select(func.min(_f.position)))).scalar_one()
    start = (head if first is None else first - 1) if since is None else since.position
    if since is not None:
        await _expect_known(db, since, head=head, first=first)
    found = select(_f.id, _f.position, _f.kind, _f.value, _f.revoked_at)
    found = found.where(_f.position > start).order_by(_f.position).limit(limit + 1)
    rows = (await db.execute(found)).all()
    full, rows = len(rows) > limit, rows[:limit]
    after = _cursor(rows[-1]) if rows else since or Cursor(start)
    entries = [Entry(row.kind, row.value, row.revoked_at) for row in rows if row.kind != CHANGED]
    return Page(entries, after, head=head, full=full, kept=await kept(db))


async def _expect_known(db: Db, since: Cursor, *, head: int, first: int | None) -> None:
    oldest = head if first is None else first - 1
    if not oldest <= since.position <= head:
        raise RevocationsGone
    id_ = (
        await db.execute(select(_f.id).where(_f.position == since.position))
    ).scalar_one_or_none()
    if id_ is not None and since.mark and not id_.startswith(since.mark):
        raise RevocationsGone


def _cursor(row: Any) -> Cursor:
    return Cursor(row.position, row.id[:8])


async def kept(db: Db) -> timedelta:
    """Return for how long entries count: as long as tokens live of the keys that there are.

    That is what any process has let them live for, also before its setting was changed.
    """
    known = (
        select(func.max(_keys.c.longest_lifetime)).where(_keys.c.purpose == "service"),
        select(func.max(_given_keys.c.longest_lifetime)),
    )
    lives = (await db.execute(select(*(each.scalar_subquery() for each in known)))).one()
    longest = max((seconds for seconds in lives if seconds is not None), default=None)
    return (UNKNOWN if longest is None else timedelta(seconds=longest)) + KEPT_LONGER


async def prune(db: Db, now: datetime, limit: int) -> int:
    """Forget up to *limit* entries about tokens that have long expired by themselves.

    A key that was revoked is never forgotten: whoever stole it writes tokens that last for ever.
    """
    over = now - await kept(db)
    old = select(_f.id).where(_f.revoked_at < over, _f.kind != "kid").limit(limit)
    old = old.with_for_update(skip_locked=True)  # replicas prune at the same time
    gone = await db.execute(delete(revocation_feed).where(_f.id.in_(old)).returning(_f.id))
    return len(gone.all())
