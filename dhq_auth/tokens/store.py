"""The keys that we keep, and other secrets of the service."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    case,
    cast,
    delete,
    null,
    or_,
    select,
    update,
)

from dhq_auth.db import Database, Db, Timestamp, metadata
from dhq_auth.engine import upsert
from dhq_auth.question import Question

KEPT_LONGER: Final = timedelta(hours=1)
"""How long a revocation outlives its token: leeway, and clocks that are set back."""


class KeyPurpose(StrEnum):
    """What a key signs; no key signs both, so that one kind of token cannot pass for the other."""

    LOGIN = "login"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key as it lies in the database: its private half is wrapped by SECRET_KEY.

    `longest_lifetime` is in seconds.
    """

    kid: str
    purpose: KeyPurpose
    generation: int
    private_key: str = field(repr=False)
    created_at: datetime
    signs_from: datetime | None = None
    longest_lifetime: int | None = None
    used_at: datetime | None = None

    @property
    def begins(self) -> datetime:
        """From when on it signs; the version before knew no other time than that of its making."""
        return self.signs_from or self.created_at


@dataclass(frozen=True, slots=True)
class GivenKey:
    """The public half, wrapped, of a key of PRIVATE_KEY; `used_at` a process had it last."""

    kid: str
    public_key: str
    used_at: datetime
    longest_lifetime: int


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A secret that all processes share, as it lies in the database: wrapped by SECRET_KEY."""

    name: str
    value: str = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """By which it is seen that keys have changed."""

    kid: str
    signs_from: datetime | None


signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("private_key", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # From when on it signs, until a newer one does; None: since it was made.
    Column("signs_from", Timestamp),
    # Seconds that the longest-lived of its tokens lives.
    Column("longest_lifetime", Integer),
    # When a process last said that it signs with it: with PRIVATE_KEY others may not.
    Column("used_at", Timestamp),
    UniqueConstraint("purpose", "generation"),
)

# The keys of PRIVATE_KEY, so that every process publishes them, also when they are no longer given.
given_keys = Table(
    "given_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("public_key", Text, nullable=False),
    Column("used_at", Timestamp, nullable=False),
    Column("longest_lifetime", Integer, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)


async def stored_keys(db: Db, purpose: KeyPurpose | None = None) -> Sequence[StoredKey]:
    """Return every key, or those for *purpose*: the newest generation of each purpose first."""
    rows = select(signing_keys).order_by(signing_keys.c.generation.desc())
    if purpose is not None:
        rows = rows.where(signing_keys.c.purpose == purpose)
    found = (await db.execute(rows)).mappings()
    return [StoredKey(**{**row, "purpose": KeyPurpose(row["purpose"])}) for row in found]


async def stored_given_keys(db: Db) -> Sequence[GivenKey]:
    """Return what is kept of the keys of PRIVATE_KEY, the last used first."""
    rows = select(given_keys).order_by(given_keys.c.used_at.desc(), given_keys.c.kid)
    return [GivenKey(**row) for row in (await db.execute(rows)).mappings()]


_marks = select(signing_keys.c.kid, signing_keys.c.signs_from).union_all(
    select(given_keys.c.kid, cast(null(), Timestamp))
)
_MARKS: Final = Question("Marks", _marks)


async def marks(db: Db) -> frozenset[Mark]:
    """Return what changes when keys do; it holds no private key."""
    return frozenset(Mark(row.kid, row.signs_from) for row in await db.execute(_marks))


async def marks_now(database: Database) -> frozenset[Mark]:
    """Return the same; every process asks each second."""
    return frozenset(Mark(row.kid, row.signs_from) for row in await database.ask(_MARKS))


async def add_key(db: Db, key: StoredKey) -> bool:
    """Keep *key* unless its generation is there already, and say which: among replicas one wins."""
    added = await db.execute(
        upsert(db, signing_keys)
        .values(**asdict(key))
        .on_conflict_do_nothing()
        .returning(signing_keys.c.kid)
    )
    return added.one_or_none() is not None


async def rewrap_key(db: Db, kid: str, before: str, after: str) -> None:
    """Keep the key *kid* as *after*, unless somebody else has replaced *before* already."""
    await db.execute(
        update(signing_keys)
        .where(signing_keys.c.kid == kid, signing_keys.c.private_key == before)
        .values(private_key=after)
    )


async def rewrap_given(db: Db, kid: str, before: str, after: str) -> None:
    """Keep the given key *kid* as *after*, unless somebody else has replaced *before* already."""
    await db.execute(
        update(given_keys)
        .where(given_keys.c.kid == kid, given_keys.c.public_key == before)
        .values(public_key=after)
    )


async def delete_key(db: Db, kid: str, *, unused_since: datetime | None = None) -> bool:
    """Forget the key *kid*, stored or given; with *unused_since* only if it was not used since.

    Says whether it was there.
    """
    gone = 0
    for table in (signing_keys, given_keys):
        forgotten = delete(table).where(table.c.kid == kid)
        if unused_since is not None:
            unused = or_(table.c.used_at.is_(None), table.c.used_at <= unused_since)
            forgotten = forgotten.where(unused)
        gone += len((await db.execute(forgotten.returning(table.c.kid))).all())
    return gone > 0


async def note_use(db: Db, kid: str, now: datetime) -> None:
    """Remember that the stored key *kid* signs *now*, unless a clock before ours said so later."""
    before = signing_keys.c.used_at
    await db.execute(
        update(signing_keys)
        .where(signing_keys.c.kid == kid, or_(before.is_(None), before < now))
        .values(used_at=now)
    )


async def raise_lifetime(db: Db, kids: Collection[str], seconds: int) -> None:
    """Remember that tokens of the stored *kids* may live *seconds*, unless longer ones may be."""
    longest = signing_keys.c.longest_lifetime
    await db.execute(
        update(signing_keys)
        .where(signing_keys.c.kid.in_(kids), or_(longest.is_(None), longest < seconds))
        .values(longest_lifetime=seconds)
    )


async def note_given(db: Db, key: GivenKey) -> None:
    """Remember *key*, and that a process has it."""
    added = upsert(db, given_keys).values(**asdict(key))
    longest, used_at = given_keys.c.longest_lifetime, given_keys.c.used_at
    await db.execute(
        added.on_conflict_do_update(
            index_elements=["kid"],
            set_={
                "public_key": key.public_key,
                "used_at": _greater(used_at, added.excluded.used_at),
                "longest_lifetime": _greater(longest, added.excluded.longest_lifetime),
            },
        )
    )


def _greater(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((one > other, one), else_=other)


async def stored_secret(db: Db, name: str) -> StoredSecret | None:
    """Return the secret *name* as it lies in the database."""
    found = select(secrets).where(secrets.c.name == name)
    row = (await db.execute(found)).mappings().one_or_none()
    return StoredSecret(**row) if row else None


async def add_secret(db: Db, secret: StoredSecret) -> None:
    """Keep *secret* unless there is one of its name already."""
    await db.execute(upsert(db, secrets).values(**asdict(secret)).on_conflict_do_nothing())


async def rewrap_secret(db: Db, name: str, before: str, after: str) -> None:
    """Keep the secret *name* as *after*, unless somebody else has replaced *before* already."""
    await db.execute(
        update(secrets).where(secrets.c.name == name, secrets.c.value == before).values(value=after)
    )
