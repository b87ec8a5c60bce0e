"""What the doctor finds: each is in order, to be looked at, or at fault, with what to do."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from enum import StrEnum

from dhq_auth.settings import Settings


class Level(StrEnum):
    """How grave it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact about *subject*: a setting, a provider or the like."""

    subject: str
    level: Level
    text: str
    todo: str | None = None


Findings = AsyncGenerator[Finding, None]
Check = Callable[[Settings], Findings]


def ok(subject: str, text: str, todo: str | None = None) -> Finding:
    """Return that *subject* is in order; *todo* is for those whom it concerns."""
    return Finding(subject, Level.OK, text, todo)


def warning(subject: str, text: str, todo: str) -> Finding:
    """Return that the service works, but perhaps not as it should."""
    return Finding(subject, Level.WARNING, text, todo)


def fault(subject: str, text: str, todo: str) -> Finding:
    """Return that something cannot work."""
    return Finding(subject, Level.FAULT, text, todo)
