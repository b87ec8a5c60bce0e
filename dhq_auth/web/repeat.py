"""The same question in the same words: what is true of its answer as long as something else is.

A handler whose answer to a GET depends on nothing but the bytes of the request, and on what it can
look at in a microsecond, says so: `request[HOLDS]` tells whether the same answer would be given now.
Who has the connection (`serving.repeats`) may then give it again without asking.
"""

from collections.abc import Callable
from typing import Final

from aiohttp import web

HOLDS: Final[web.RequestKey[Callable[[], bool]]] = web.RequestKey("HOLDS")
"""Whether the answer would be the same now: all that it was made of is what it was."""
BELIEVED: Final[web.RequestKey[Callable[[], bool]]] = web.RequestKey("BELIEVED")
"""Whether the credential would be believed now as it was; where that is remembered."""
NOTE: Final[web.RequestKey[Callable[[float], None]]] = web.RequestKey("NOTE")
"""Counts one more such answer, which took so many seconds."""
