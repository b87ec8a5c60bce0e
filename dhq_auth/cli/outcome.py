"""How a command ends, and what the operator reads where it could not be done."""

from typing import Final

from dhq_auth.errors import AuthError, StartRefused
from dhq_auth.logs import escaped
from dhq_auth.settings import SettingsError

REFUSED: Final = 1
UNUSABLE: Final = 2
"""Wrong usage, or settings that cannot be used."""


class Refused(Exception):
    """What was asked for cannot be done; the text is one line for the operator."""


def explained(error: Exception) -> tuple[int, list[str]] | None:
    """Return the exit code and the lines for *error*, or None if it is a fault of the program."""
    match error:
        case SettingsError():
            return UNUSABLE, [*error.faults]
        case Refused() | StartRefused() | AuthError():
            return REFUSED, [escaped(line) for line in str(error).splitlines()]
    return None
