"""The same question in the same words: what is true of its answer as long as something else is.

A handler whose answer to a GET depends on nothing but the bytes of the request, and on what it can
look at in a microsecond, says so: `request[HOLDS]` tells whether the same answer would be given now.
Who has the connection (`serving.repeats`) may then give it again without asking. If it can tell at
once what it would answer to another credential, it says that, too: `request[FOR_ANOTHER]`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

HOLDS: Final[web.RequestKey[Callable[[], bool]]] = web.RequestKey("HOLDS")
"""Whether the answer would be the same now: all that it was made of is what it was."""
BELIEVED: Final[web.RequestKey[Callable[[], bool]]] = web.RequestKey("BELIEVED")
"""Whether the credential would be believed now as it was; where that is remembered."""
FOR_ANOTHER: Final[web.RequestKey[Callable[[str], "Body | None"]]] = web.RequestKey("FOR_ANOTHER")
"""What would be answered to the same request with another bearer token; None: one has to ask."""
NOTE: Final[web.RequestKey[Callable[[float], None]]] = web.RequestKey("NOTE")
"""Counts one more such answer, which took so many seconds."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is answered with 200, and with the headers of whoever was answered before."""

    text: bytes
    holds: Callable[[], bool]
