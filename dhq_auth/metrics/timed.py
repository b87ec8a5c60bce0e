"""How long a thing took that somebody else does for us, and what became of it."""

from collections.abc import Callable
from time import perf_counter
from typing import Final

from dhq_auth.errors import Unavailable, UpstreamTimeout

OUTCOMES: Final = ("answered", "failed", "timeout", "unavailable")
"""`unavailable`: not they, but something of ours was away that they need."""

Observe = Callable[[float, str, str], None]
"""Is told seconds, who was asked, and one of OUTCOMES; `Histogram.observe` is one."""


def nobody(_seconds: float, _who: str, _outcome: str) -> None:
    """Take no note."""


class timed:  # noqa: N801 - read as a verb: with timed(…)
    """Tell *observe* how what is inside went, which *who* was asked for."""

    __slots__ = ("_began", "_observe", "_who")

    def __init__(self, observe: Observe, who: str) -> None:
        self._observe = observe
        self._who = who

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self._observe(perf_counter() - self._began, self._who, _outcome(error))


def _outcome(error: BaseException | None) -> str:
    match error:
        case None:
            return "answered"
        case TimeoutError() | UpstreamTimeout():
            return "timeout"
        case Unavailable():
            return "unavailable"
    return "failed"
