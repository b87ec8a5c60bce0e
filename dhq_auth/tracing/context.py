"""`traceparent`: the trace that a request is a part of (W3C Trace Context, level 2)."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Lower-case alone; what later versions add stands behind a dash, and is not for us (3.2.4).
_TRACEPARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-[ -~]{0,200})?",
    re.ASCII,
)
_SAMPLED: Final = 1


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A trace, the span in it that asked us, and whether the caller records it.

    `parent_id` is None where the trace begins here.
    """

    trace_id: str
    parent_id: str | None = None
    sampled: bool = False


def new_id(size: int) -> str:
    """Return a name of *size* bytes, in hexadecimal, that nothing else has; it keeps no secret."""
    # Without a system call, which would be a tenth of what a request costs; each worker has its seed.
    return random.randbytes(size).hex()  # noqa: S311


def continued(headers: Sequence[str]) -> TraceContext:
    """Return the trace that the one *traceparent* header names, or a new one.

    Whatever is not exactly of its form counts as absent: anybody may have sent it.
    """
    found = _TRACEPARENT.fullmatch(headers[0]) if len(headers) == 1 else None
    if found is None or not _is_valid(found):
        return TraceContext(new_id(16))
    return TraceContext(found["trace"], found["parent"], bool(int(found["flags"], 16) & _SAMPLED))


def trace_id(headers: Sequence[str]) -> str:
    """Return the name of the trace that `continued` finds."""
    return continued(headers).trace_id if headers else new_id(16)


def _is_valid(found: re.Match[str]) -> bool:
    """Whether the ids are not all zeros, and the version allows for what stands behind them."""
    if found["version"] == "ff" or (found["version"] == "00" and found["more"]):
        return False
    return found["trace"].strip("0") != "" and found["parent"].strip("0") != ""
