"""A question that is asked for every other request: one SELECT, made into the driver's own once.

SQLAlchemy's way to a row costs several times what the database does for it. What is asked that often
goes to the driver: the statement is compiled once for a dialect, and its values are converted as its
types say. One statement sees one state by itself, so no transaction is begun.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import CompoundSelect, Dialect, Select
from sqlalchemy.sql.compiler import SQLCompiler

Row = Any
"""A row, its columns by their names."""
Convert = Callable[[Any], Any]


class Question:
    """A SELECT whose values are named by `bindparam`, and which is asked with all of them."""

    def __init__(self, name: str, statement: Select[Any] | CompoundSelect[Any]) -> None:
        self.statement = statement
        self._name = name
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> "Compiled":
        """Return it as the driver of *dialect* takes it."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = Compiled(self._name, self.statement, dialect)
        return found


class Compiled:
    """A question in the words of one driver: `sql`, with its values by position."""

    def __init__(
        self, name: str, statement: Select[Any] | CompoundSelect[Any], dialect: Dialect
    ) -> None:
        compiled = statement.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler) or compiled.positiontup is None:
            raise TypeError("a question is a SELECT, and its driver takes values by position")
        self.sql: Final = compiled.string
        self._names = tuple(compiled.positiontup)
        self._constant = {
            name: value for name, value in compiled.params.items() if value is not None
        }
        types = {name: each.type for each, name in compiled.bind_names.items()}
        self._binds = {
            name: convert
            for name in self._names
            if (convert := types[name].dialect_impl(dialect).bind_processor(dialect))
        }
        columns = list(statement.selected_columns)
        self._results = [
            (place, convert)
            for place, column in enumerate(columns)
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]
        self._row: Any = namedtuple(name, [column.key for column in columns])  # type: ignore[misc]  # noqa: PYI024

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """Return what stands in its places when *given* is asked about."""
        values = []
        for name in self._names:
            value = given[name] if name in given else self._constant[name]
            convert = self._binds.get(name)
            values.append(value if convert is None else convert(value))
        return values

    def row(self, found: Sequence[Any]) -> Row:
        """Return what the driver has *found*, a row, as Python has it."""
        if not self._results:
            return self._row._make(found)
        row = list(found)
        for place, convert in self._results:
            row[place] = convert(row[place])
        return self._row._make(row)
