"""SQLAlchemy's asyncio engine without the ORM, which its package brings along.

Nothing here maps objects, and the ORM is 6 MiB and a tenth of a second of every start. So the
package `sqlalchemy.ext.asyncio` is put in place without being run (see `unrun`), and its submodule
`engine`, which needs the core alone, is imported. A plugin that wants AsyncSession gets it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Table, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import AsyncAdaptedQueuePool

from dhq_auth import tracing, unrun

PACKAGE: Final = "sqlalchemy.ext.asyncio"


if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
    from sqlalchemy.ext.asyncio import create_async_engine as _create_async_engine
else:
    unrun.put_in_place(PACKAGE)
    _engine = import_module(f"{PACKAGE}.engine")
    AsyncConnection = _engine.AsyncConnection
    AsyncEngine = _engine.AsyncEngine
    _create_async_engine = _engine.create_async_engine

__all__ = ["AsyncConnection", "AsyncEngine", "Pool", "create_async_engine", "upsert"]

LONGEST_STATEMENT: Final = 2000
"""Characters of a statement in a trace."""


class Pool(AsyncAdaptedQueuePool):
    """The connections of an engine, with the number of those who had to wait for one."""

    __module__ = AsyncAdaptedQueuePool.__module__
    """It logs under this name: what it tells of itself is for those who ask SQLAlchemy."""
    waits = 0

    def _do_get(self) -> Any:
        self.waits += self.checkedout() >= self.size()
        return super()._do_get()


def create_async_engine(url: URL, **options: Any) -> AsyncEngine:
    """Return an engine for *url*, each of its statements in a span where traces are exported."""
    engine = _create_async_engine(url, poolclass=Pool, **options)
    if tracing.is_on():
        _trace_statements(engine)
    return engine


def _trace_statements(engine: AsyncEngine) -> None:
    """Give each statement a span: what it asks, never the values that it asks by."""
    system = engine.url.get_backend_name()

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def begin(connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said = statement[:LONGEST_STATEMENT]
        end = tracing.leaf(
            statement.partition(" ")[0], kind="client", db_system_name=system, db_query_text=said
        )
        connection.info[_UNDER_WAY] = end

    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def end(connection: Any, *_more: Any) -> None:
        connection.info.pop(_UNDER_WAY, _already)(None)

    @event.listens_for(engine.sync_engine, "handle_error")
    def fail(context: Any) -> None:
        if context.connection is not None:
            context.connection.info.pop(_UNDER_WAY, _already)(context.original_exception)


_UNDER_WAY: Final = "dhq_auth.span"


def _already(_error: BaseException | None) -> None:
    """End what has ended."""


def upsert(db: AsyncConnection, table: Table) -> Any:
    """Return an INSERT on *table* that knows ON CONFLICT, in the dialect of *db*."""
    # The dialect in use is loaded already; the other one would cost 3 MiB for nothing.
    return import_module(f"sqlalchemy.dialects.{db.dialect.name}").insert(table)
