"""Lists that are read in parts: `{"items": […], "next": cursor or null}`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dhq_auth.errors import InvalidRequest
from dhq_auth.message import Message
from dhq_auth.opaque import is_id
from dhq_auth.web.params import Params

DEFAULT: Final = 100
MOST: Final = 1000
_NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Part:
    """Up to `limit` items, of those whose id is beyond `after`."""

    limit: int
    after: str | None

    @classmethod
    def wanted(cls, sent: Params) -> "Part":
        """Return what `limit` and `cursor` ask for; InvalidRequest says what would be right."""
        number = sent.text("limit", max_length=10) or str(DEFAULT)
        if not _NUMBER.fullmatch(number) or not 1 <= int(number) <= MOST:
            raise InvalidRequest(Message("limit must be a number from 1 to {most}.", most=MOST))
        cursor = sent.text("cursor", max_length=64)
        if cursor is not None and not is_id(cursor):
            raise InvalidRequest("cursor must be what `next` was in the answer before.")
        return cls(int(number), cursor)

    @property
    def read(self) -> int:
        """How many rows to read: one more tells whether there is more."""
        return self.limit + 1

    def answer(self, items: Sequence[Mapping[str, Any]], id_of: str) -> dict[str, Any]:
        """Return the collection of *items*, of which there are `read` at most."""
        shown = items[: self.limit]
        more = len(items) > self.limit
        return {"items": shown, "next": shown[-1][id_of] if more else None}
