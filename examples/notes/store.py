"""What the service does with its rows."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dhq_auth.sdk import Caller, Verifier, check
from dhq_auth.sdk.decision import Action
from examples.notes.guards import Guard, denied
from examples.notes.tables import notes

LIMIT = 100
Row = dict[str, Any]


class Notes:
    """The notes, as far as a caller may have them.

    The conditions that a client sends narrow what the decision leaves, and never widen it.
    """

    def __init__(self, engine: AsyncEngine, verifier: Verifier, guard: Guard) -> None:
        self._engine = engine
        self._verifier = verifier
        self._guard = guard

    async def read(self, caller: Caller, wanted: Mapping[str, Any], *, mine: bool) -> list[Row]:
        """Return the notes that *caller* may read; with *mine* those that are the caller's."""
        decision = await self._verifier.decide(caller, "notes", "read", mine=mine)
        decision.demand()
        found = self._guard.narrowed(select(notes), decision).where(*_equal(wanted))
        async with self._begun(caller, decision.action) as db:
            return _rows(await db.execute(found.order_by(notes.c.title, notes.c.id).limit(LIMIT)))

    async def create(self, caller: Caller, sent: Mapping[str, Any]) -> Row:
        """Add a note; whose it is the rule says, then the client; else it is the caller's."""
        decision = await self._verifier.decide(caller, "notes", "create")
        blank = {"user_id": caller.user_id or "", "title": "", "text": "", "published": False}
        row = check({**blank, **sent, "id": uuid4().hex}, decision)
        async with self._begun(caller, "create") as db:
            await db.execute(insert(notes).values(**row))
        return row

    async def update(
        self, caller: Caller, wanted: Mapping[str, Any], sent: Mapping[str, Any]
    ) -> list[Row]:
        """Change notes: those that may be changed, to what they may become, or none of them."""
        decision = await self._verifier.decide(caller, "notes", "update")
        decision.demand()
        changed = self._guard.narrowed(update(notes), decision).where(*_equal(wanted))
        async with self._begun(caller, "update") as db:
            written = _rows(await db.execute(changed.values(**sent).returning(*notes.c)))
            for row in written:
                self._guard.written(row, decision)
        return written

    async def delete(self, caller: Caller, wanted: Mapping[str, Any]) -> list[Row]:
        """Delete notes, as far as they may be deleted."""
        decision = await self._verifier.decide(caller, "notes", "delete")
        decision.demand()
        gone = self._guard.narrowed(delete(notes), decision).where(*_equal(wanted))
        async with self._begun(caller, "delete") as db:
            return _rows(await db.execute(gone.returning(*notes.c)))

    @asynccontextmanager
    async def _begun(self, caller: Caller, action: Action) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that is ready for *caller*; nothing remote is waited for inside."""
        try:
            async with self._engine.begin() as db:
                await self._guard.begin(db, caller, action)
                yield db
        except DBAPIError as error:
            raise denied(error, caller) or error from error


def _equal(wanted: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [notes.c[name] == value for name, value in wanted.items()]


def _rows(result: Any) -> list[Row]:
    return [dict(row) for row in result.mappings()]
