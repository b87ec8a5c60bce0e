"""What is said of plugins that cannot be used, and of those that fail."""

import importlib
import traceback
from pathlib import Path
from typing import Final

from dhq_auth.errors import StartRefused

_NOT_THEIRS: Final = ("<", *importlib.__path__, str(Path(__file__).parent))


class PluginError(StartRefused):
    """Plugins that were asked for cannot be used; the text has a line for each: which, and why."""


def described(error: BaseException) -> str:
    """Return *error* on one line: its type, its text, and where in a file it was raised."""
    if isinstance(error, SyntaxError):  # its text names the place already
        return _line(f"{type(error).__name__}: {error}")
    return _line(f"{type(error).__name__}: {error}{_place(error)}")


def located(error: BaseException) -> str:
    """Return the type of *error* and where it was raised; its text may hold what no log should."""
    return _line(f"{type(error).__name__}{_place(error)}")


def _place(error: BaseException) -> str:
    """Return ` (file, line n)` of the innermost frame that is neither ours nor the importer's."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_NOT_THEIRS)]
    return f" ({theirs[-1].filename}, line {theirs[-1].lineno})" if theirs else ""


def _line(text: str) -> str:
    return " ".join(text.split())
