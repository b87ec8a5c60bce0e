"""SQLAlchemy's asyncio engine without the ORM, which its package brings along.

Nothing here maps objects, and the ORM is 6 MiB and a tenth of a second of every start. So the
package `sqlalchemy.ext.asyncio` is put in place without being run, and its submodule `engine`,
which needs the core alone, is imported. Whoever asks the package for more later, such as a plugin
that wants AsyncSession, makes it run then, and gets all of it.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Table

PACKAGE: Final = "sqlalchemy.ext.asyncio"


def _put_in_place() -> None:
    spec = find_spec(PACKAGE)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name=PACKAGE)
    package, loader = module_from_spec(spec), spec.loader

    def run_and_get(name: str) -> Any:
        """Stand in for what is missing (PEP 562) until the package has run."""
        if name.startswith("__") or find_spec(f"{PACKAGE}.{name}"):
            raise AttributeError(name)  # the import system asks, and finds submodules by itself
        del package.__getattr__
        loader.exec_module(package)
        return getattr(package, name)

    package.__getattr__ = run_and_get  # type: ignore[method-assign]
    sys.modules[PACKAGE] = package


if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
else:
    if PACKAGE not in sys.modules:
        _put_in_place()
    _engine = import_module(f"{PACKAGE}.engine")
    AsyncConnection = _engine.AsyncConnection
    AsyncEngine = _engine.AsyncEngine
    create_async_engine = _engine.create_async_engine

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine", "upsert"]


def upsert(db: AsyncConnection, table: Table) -> Any:
    """Return an INSERT on *table* that knows ON CONFLICT, in the dialect of *db*."""
    # The dialect in use is loaded already; the other one would cost 3 MiB for nothing.
    return import_module(f"sqlalchemy.dialects.{db.dialect.name}").insert(table)
