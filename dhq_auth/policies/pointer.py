"""A fault in an expression, pointed at."""

from typing import Final
from unicodedata import combining, east_asian_width

from dhq_auth.logs import escaped

_BESIDE: Final = 36
"""Characters that are shown on either side of a fault."""


def pointed(expression: str, position: int) -> list[str]:
    """Return two lines: *expression*, around its character *position* if long, and a ^ under it.

    Positions count from 1; what does not print is shown as its escape.
    """
    at = min(max(position - 1, 0), len(expression))
    begin, end = max(at - _BESIDE, 0), min(at + _BESIDE, len(expression))
    before = ("… " if begin else "") + escaped(expression[begin:at])
    after = escaped(expression[at:end]) + (" …" if end < len(expression) else "")
    return [f"  {before}{after}", f"  {' ' * _width(before)}^"]


def _width(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )
