"""The chain in the database: positions, hashes, seals.

All is read as it lies there: what somebody has put where a time or JSON should be is no fault of
ours, but something that does not fit.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Row,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from dhq_auth.audit.chain import FIELDS, Seal, told
from dhq_auth.audit.store import EVERYTHING, Wanted, audit_events, is_unsealed
from dhq_auth.db import Database, Db, Timestamp, metadata
from dhq_auth.question import Question

audit_seals = Table(
    "audit_seals",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    # The position of the seal before.
    Column("previous", BigInteger, nullable=False),
    Column("sealed_at", Timestamp, nullable=False),
    # When the rows up to here were removed: this seal is the anchor of those that are left.
    Column("pruned_at", Timestamp),
    Column("mac", String(64), nullable=False),
)

Record = Mapping[str, Any]
"""A row with FIELDS as they stand in the chain, and its `hash`."""

MAX_POSITION: Final = 2**62
"""The last position that is given: what stands beyond it was put there, and is not gone on from."""
MAX_BRACKETS: Final = 500
"""Brackets in the JSON of a detail; what has more is none of ours, and read as text."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _raw(FunctionElement[Any]):  # noqa: N801 - a function of SQL
    """A time as it lies there: a text in SQLite, else the seconds since 1970.

    Drivers fail at times that Python does not know, and a row that nobody can read cannot be sealed.
    """

    inherit_cache = True
    type = NullType()


@compiles(_raw)
def _as_it_is(raw: _raw, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(raw.clauses, **options)


@compiles(_raw, "postgresql")
def _in_seconds(raw: _raw, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXTRACT(EPOCH FROM {compiler.process(raw.clauses, **options)})"


_RAW: Final = {
    column.name: _raw(column).label(column.name)
    if isinstance(column.type, Timestamp)
    else type_coerce(column, String).label(column.name)
    if isinstance(column.type, JSON)
    else column
    for column in audit_events.c
}
_RAW_SEAL: Final = {
    column.name: _raw(column).label(column.name) if isinstance(column.type, Timestamp) else column
    for column in audit_seals.c
}


_WAITING: Final = Question("Waiting", select(audit_events.c.id).where(is_unsealed).limit(1))


async def is_waiting(database: Database) -> bool:
    """Whether there is a row that is not sealed."""
    return bool(await database.ask(_WAITING))


async def waiting(db: Db) -> tuple[int, datetime | None]:
    """Return how many rows are not sealed, and of when the first of them is."""
    table = audit_events.c
    counted = select(func.count(), func.min(table.id)).where(is_unsealed)
    count, first = (await db.execute(counted)).one()
    at = await db.execute(select(_RAW["at"]).where(table.id == first))
    return count, _moment(at.scalar_one()) if count else None


async def unsealed(db: Db, limit: int) -> list[dict[str, Any]]:
    """Return the first *limit* rows that are not sealed, by their ids."""
    rows = select(*_RAW.values()).where(is_unsealed).order_by(audit_events.c.id).limit(limit)
    return [_record(row) for row in await db.execute(rows)]


async def chain(db: Db, rows: Iterable[Record]) -> None:
    """Give *rows* their positions and hashes."""
    placed = [{"row": row["id"], "place": row["position"], "link": row["hash"]} for row in rows]
    await db.execute(
        update(audit_events)
        .where(audit_events.c.id == bindparam("row"))
        .values(position=bindparam("place"), hash=bindparam("link")),
        placed,
    )


async def last_position(db: Db) -> int:
    """Return the last position, up to MAX_POSITION, that a row has; what is no number (SQLite) is none."""
    position = audit_events.c.position
    found = await db.execute(select(func.max(position)).where(position <= MAX_POSITION))
    return int(found.scalar_one() or 0)


async def newest_seal(db: Db, until: int | None = None) -> Seal | None:
    """Return where the chain ends, or the last seal with a position of at most *until*."""
    newest = select(*_RAW_SEAL.values()).order_by(audit_seals.c.position.desc()).limit(1)
    if until is not None:
        newest = newest.where(audit_seals.c.position <= until)
    row = (await db.execute(newest)).one_or_none()
    return _seal(row) if row else None


async def anchor(db: Db) -> Seal | None:
    """Return the seal before the first row that was not removed, if any was."""
    first = select(*_RAW_SEAL.values()).order_by(audit_seals.c.position).limit(1)
    row = (await db.execute(first)).one_or_none()
    return _seal(row) if row and row.pruned_at is not None else None


async def seals_between(db: Db, after: int, until: int) -> list[Seal]:
    """Return the seals with a position beyond *after*, and at most *until*, in their order."""
    position = audit_seals.c.position
    found = select(*_RAW_SEAL.values()).where(position > after, position <= until)
    return [_seal(row) for row in await db.execute(found.order_by(position))]


async def seals_of_age(
    db: Db, after: int, *, since: datetime | None, until: datetime, limit: int
) -> list[Seal]:
    """Return the first *limit* seals beyond the position *after* of the time from *since* to *until*."""
    table = audit_seals.c
    found = select(*_RAW_SEAL.values()).where(table.position > after, table.sealed_at < until)
    if since is not None:
        found = found.where(table.sealed_at >= since)
    return [_seal(row) for row in await db.execute(found.order_by(table.position).limit(limit))]


async def put_seal(db: Db, seal: Seal, *, instead_of: int | None = None) -> None:
    """Keep *seal*; that at the position *instead_of* ceases to be."""
    if instead_of is not None:
        await db.execute(delete(audit_seals).where(audit_seals.c.position == instead_of))
    await db.execute(insert(audit_seals).values(**asdict(seal)))


async def cut_off(db: Db, anchor: Seal) -> int:
    """Remove all rows and seals up to *anchor*, which stays; return how many rows there were."""
    gone = await db.execute(delete(audit_events).where(audit_events.c.position <= anchor.position))
    await db.execute(delete(audit_seals).where(audit_seals.c.position <= anchor.position))
    await put_seal(db, anchor)
    return gone.rowcount


async def page(db: Db, after: tuple[int, int] | None, limit: int) -> list[dict[str, Any]]:
    """Return the next *limit* rows of the chain after the one with this position and id."""
    table = audit_events.c
    rows = select(*_RAW.values()).where(table.position.is_not(None))
    if after is not None:
        position, number = after
        rows = rows.where(
            table.position >= position, or_(table.position > position, table.id > number)
        )
    rows = rows.order_by(table.position, table.id).limit(limit)
    return [_record(row) for row in await db.execute(rows)]


async def exported(
    db: Db, after: int, limit: int, wanted: Wanted = EVERYTHING
) -> list[dict[str, Any]]:
    """Return the next *limit* rows beyond the position *after*; `previous` is the hash before each.

    Where the row before is not there any more, it is that of the anchor; else None.
    """
    table, before = audit_events.c, audit_events.alias("before")
    rows = (
        select(*_RAW.values(), func.coalesce(before.c.hash, audit_seals.c.hash).label("previous"))
        .outerjoin(before, before.c.position == table.position - 1)
        .outerjoin(audit_seals, audit_seals.c.position == table.position - 1)
        .where(table.position > after, *wanted.conditions())
        .order_by(table.position)
        .limit(limit)
    )
    return [{**_record(row), "previous": row.previous} for row in await db.execute(rows)]


def _record(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in FIELDS}
    moment = _moment(row.at)
    fields["at"] = told(moment) if moment else str(row.at)
    return {**fields, "detail": _detail(row.detail), "hash": row.hash}


def _seal(row: Row[*tuple[Any, ...]]) -> Seal:
    """Return a seal; one that holds no longer where its times cannot be read."""
    return Seal(
        row.position,
        str(row.hash),
        row.previous,
        _moment(row.sealed_at) or _NEVER,
        None if row.pruned_at is None else _moment(row.pruned_at) or _NEVER,
        str(row.mac),
    )


def _moment(raw: object) -> datetime | None:
    """Return the time that *raw* is: a text without a zone (SQLite), or seconds since 1970."""
    try:
        if isinstance(raw, Decimal | float):
            return _EPOCH + timedelta(microseconds=round(raw * 10**6))
        moment = datetime.fromisoformat(raw) if isinstance(raw, str) else None
        if moment is None:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _detail(raw: object) -> object:
    if not isinstance(raw, str) or raw.count("[") + raw.count("{") > MAX_BRACKETS:
        return raw
    try:
        return json.loads(raw, object_pairs_hook=_each_once)
    except ValueError:
        return raw


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of two members with one name nobody knows which counts (RFC 8259 4)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found
