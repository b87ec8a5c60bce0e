"""Tables and colours for people; what is no terminal gets the same texts, never wrapped or cut."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dhq_auth.logs import escaped

NO_EDGE: Final = 1_000_000
"""The width, in columns, of what is no terminal."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print *rows* under the names of the *columns*; what is None stays blank.

    Whatever the texts hold, they cannot move the cursor nor colour anything.
    """
    table = Table(*columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(_shown(cell)) for cell in row))
    console().print(table)


def console() -> Console:
    """Return standard output for texts with colours, which only a terminal gets."""
    return Console(
        width=None if sys.stdout.isatty() else NO_EDGE, highlight=False, markup=False, emoji=False
    )


def _shown(cell: Any) -> str:
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}Z"
    return "" if cell is None else escaped(str(cell))
