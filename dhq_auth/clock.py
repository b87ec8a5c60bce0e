"""Where the time comes from: a function that is handed in, so that tests freeze it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import overload

Clock = Callable[[], datetime]


def utcnow() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


@overload
def rfc3339(moment: datetime) -> str: ...
@overload
def rfc3339(moment: datetime | None) -> str | None: ...
def rfc3339(moment: datetime | None) -> str | None:
    """Return *moment*, an aware time, in UTC as programs are told it (RFC 3339 5.6); None stays."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
