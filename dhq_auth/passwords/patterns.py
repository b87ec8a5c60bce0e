"""Patterns that make a long password as weak as a short one: repetition, sequences, keyboards."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

MAX_UNIT: Final = 64
"""Characters of a piece whose repetition is looked for; what is longer needs no pattern."""
MEAN_RUN: Final = 3
"""Characters per run, on average, from which on there is nothing but runs.

Of fifteen random characters hardly one password in a hundred million has so few runs.
"""
_ROWS: Final = ("1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./")
_KEYS: Final = {key: (x, y) for y, row in enumerate(_ROWS) for x, key in enumerate(row)}
_UNSHIFTED: Final = str.maketrans('!@#$%^&*()_+{}:"<>?', "1234567890-=[];',./")

_Step = tuple[int, ...]


def repeated_unit(text: str) -> str | None:
    """Return the piece that *text* repeats, twice at least and the last time perhaps in part."""
    for size in range(1, min((len(text) + 1) // 2, MAX_UNIT) + 1):
        if size < len(text) and text.startswith(text[size:]):
            return text[:size]
    return None


def is_sequence(text: str) -> bool:
    """Whether *text* is runs and hardly anything else, or two of them interleaved: `1q2w3e4r`."""
    halves = (text[::2], text[1::2])
    return _is_runs(text) or all(map(_is_runs, halves))


def runs(text: str) -> int:
    """Return of how many runs *text* consists, a character that continues none being one.

    A run goes on in the same way: the same character again, the next one (`abc`, `321`), or the
    neighbour in the same direction on a keyboard, with or without Shift (`qwe`, `!qaz`).
    """
    plain = text.translate(_UNSHIFTED)
    count, ways = len(plain[:1]), None
    for before, after in pairwise(plain):
        steps = set(_steps(before, after))
        ways = steps if ways is None else ways & steps
        if not ways:
            count, ways = count + 1, None
    return count


def _is_runs(text: str) -> bool:
    return runs(text) * MEAN_RUN <= len(text)


def _steps(before: str, after: str) -> Iterator[_Step]:
    """Give the ways in which *after* goes on from *before*."""
    if abs(step := ord(after) - ord(before)) <= 1:
        yield (step,)
    if before in _KEYS and after in _KEYS:
        (x, y), (to_x, to_y) = _KEYS[before], _KEYS[after]
        if max(abs(to_x - x), abs(to_y - y)) == 1:
            yield to_x - x, to_y - y
