"""The rows of the revocation feed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import BigInteger, Column, Index, String, Table

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.engine import upsert
from dhq_auth.opaque import digest

Kind = Literal["jti", "sid", "user", "kid"]
"""What is refused: a token, all that was made with one session or API token, all of a user until
the time of the entry, all that a key has signed."""

SKEW: Final = timedelta(minutes=1)
"""How far our clocks may be apart, and how long a token may be under way until it is signed."""
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


async def _add(db: Db, kind: Kind, values: Sequence[str], at: datetime) -> None:
    when = f":{at.timestamp()}" if kind == "user" else ""
    rows = [
        {"id": digest(f"{kind}:{value}{when}"), "kind": kind, "value": value, "revoked_at": at}
        for value in values
    ]
    await db.execute(upsert(db, revocation_feed).values(rows).on_conflict_do_nothing())
