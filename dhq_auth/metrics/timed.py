"""How long a thing took that somebody else does for us, and what became of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from dhq_auth.errors import Unavailable, UpstreamTimeout

OUTCOMES: Final = ("answered", "failed", "timeout", "unavailable")
"""`unavailable`: not they, but something of ours was away that they need."""

Observe = Callable[[float, str, str], None]
"""Is told seconds, who was asked, and one of OUTCOMES; `Histogram.observe` is one."""


def nobody(_seconds: float, _who: str, _outcome: str) -> None:
    """Take no note."""


@contextmanager
def timed(observe: Observe, who: str) -> Iterator[None]:
    """Tell *observe* how what is inside went, which *who* was asked for."""
    began, outcome = perf_counter(), "failed"
    try:
        yield
        outcome = "answered"
    except (TimeoutError, UpstreamTimeout):
        outcome = "timeout"
        raise
    except Unavailable:
        outcome = "unavailable"
        raise
    finally:
        observe(perf_counter() - began, who, outcome)
