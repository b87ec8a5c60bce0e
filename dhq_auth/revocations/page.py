"""What the feed says at once, and the place from where it goes on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Self

Kind = Literal["jti", "sid", "user", "kid"]
"""What is refused: a token, all that was made with one session or API token, all of a user until
the time of the entry, all that a key has signed."""

_CURSOR = re.compile(r"([0-9]{1,18})(?:-([0-9a-f]{8}))?")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that ended before its time; of a user, the tokens that were made until then."""

    kind: Kind
    value: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the feed; `mark` tells the entry there from another at the same position."""

    position: int
    mark: str = ""

    @classmethod
    def of(cls, text: str) -> Self:
        """Read what `str` has written; raise ValueError for anything else."""
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise ValueError("no place in the feed")
        return cls(int(match[1]), match[2] or "")

    def __str__(self) -> str:
        return f"{self.position}-{self.mark}" if self.mark else str(self.position)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in their order; `head` is the last position that there is.

    A page that is `full` never changes, but for what is forgotten. Entries count for `kept`.
    """

    entries: Sequence[Entry]
    next: Cursor
    head: int
    full: bool
    kept: timedelta
