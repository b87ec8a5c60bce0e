"""Requests that differ in nothing but whose they are: what was asked for one, for another.

Services keep a connection, and ask on it about one user after the other: the same bytes but for the
token. What all the others of them mean is known from the first such request, which was parsed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from dhq_auth.web.repeat import Body

LONGEST: Final = 1024
"""Bytes of a request without its token, of which each connection keeps one."""
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
"""What a bearer token is written with (RFC 6750 2.1): nothing that could end a header."""
_HEADER: Final = re.compile(
    rb"\r\n(?:Authorization: *Bearer +|Auth-Token: *)(%b)\r\n" % _TOKEN.pattern, re.IGNORECASE
)
_CREDENTIAL: Final = re.compile(rb"authorization|auth-token|cookie|jwt|%", re.IGNORECASE)
"""Whatever may be or hold one, or spell that: where two are, it depends on both who is meant."""


@dataclass(frozen=True, slots=True)
class Form:
    """A request with a place for a bearer token, and what is answered to whose it is there."""

    before: bytes
    after: bytes
    answer: Callable[[str], Body | None]

    @classmethod
    def of(cls, data: bytes, answer: Callable[[str], Body | None] | None) -> Self | None:
        """Return the form of *data*, one whole request, if there is an *answer* to others.

        None unless a token is all the credential that is in it.
        """
        found = _HEADER.search(data) if answer else None
        if found is None or answer is None:
            return None
        before, after = data[: found.start(1)], data[found.end(1) :]
        credentials = len(_CREDENTIAL.findall(before)) + len(_CREDENTIAL.findall(after))
        if credentials > 1 or len(before) + len(after) > LONGEST:
            return None
        return cls(before, after, answer)

    def fits(self, data: bytes) -> bool:
        """Whether *data* may be this form with a token in its place."""
        return data.startswith(self.before) and data.endswith(self.after)

    def filled(self, data: bytes) -> Body | None:
        """Return what is answered to *data*, if it is this form, and that can be told at once."""
        if not self.fits(data):
            return None
        token = data[len(self.before) : len(data) - len(self.after)]
        return self.answer(token.decode()) if _TOKEN.fullmatch(token) else None
