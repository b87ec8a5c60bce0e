"""Which rows a command is asked for."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

from dhq_auth.clock import utcnow

PATIENCE: Final = 600.0
"""Seconds for a look through the whole log."""
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """Return the time that *text* says: a date or a time (RFC 3339), or how long ago, as `12h`."""
    try:
        if ago := re.fullmatch(r"([0-9]{1,6})([smhd])", text):
            return utcnow() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no time: 2026-11-22, 2026-11-22T10:00:00Z, or so long ago: 12h, 7d"
        ) from None


def word(text: str) -> str:
    """Return *text*, which may stand in the log: no control characters, no bytes that are no text."""
    if not text.isprintable():
        raise typer.BadParameter(f"{text!r} is nobody's id, and no kind")
    return text


User = Annotated[
    str | None,
    typer.Option(
        parser=word, metavar="ID", help="Only what concerns this user, or was done by it."
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        parser=word,
        metavar="KIND",
        help="Only this kind, or all that begin with it: login.refused, login.",
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="Only from then on: 2026-11-22, or 7d."),
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="Only before then: 2026-11-22, or 12h."),
]
