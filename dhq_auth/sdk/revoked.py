"""What is known to have ended before its time, and a page of the feed that tells of it."""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from dhq_auth.sdk import strict
from dhq_auth.sdk.service_token import ALGORITHMS, LEEWAY

log = logging.getLogger(__name__)

KINDS: Final = ("jti", "sid", "user", "kid")
MAX_KNOWN: Final = 100_000
"""Entries that are remembered, in about 25 MB."""
SKEW: Final = 60.0
"""Seconds for which a token may be on its way while that with which it is made ends."""
STALE: Final = timedelta(minutes=1)
"""How old the end of the feed may be: what is older was kept by somebody."""
MAX_ENTRIES: Final = 10_000
MAX_KEPT: Final = 3651 * 86400
_CURSOR: Final = re.compile(r"[A-Za-z0-9_.~-]{1,64}")


class NotAPage(ValueError):
    """What was answered is no page of the feed, or not the one that was asked for."""


class Entry(NamedTuple):
    """What ended, and when (seconds); of a user, the tokens that were made until then."""

    kind: str
    value: str
    at: float


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed that the auth service has signed; it counts for `kept` seconds."""

    entries: list[Entry]
    next: str
    more: bool
    kept: float
    signed_at: datetime


class Revoked:
    """Everything that ended; one thread writes, any may ask at the same time."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, str], float] = {}
        self._all_until = float("-inf")

    def refuses(self, claims: Mapping[str, Any], kid: str) -> bool:
        """Whether a token with these *claims*, signed by *kid*, no longer holds."""
        ended, made_at = self._ended, claims["iat"]
        if made_at <= self._all_until or ("kid", kid) in ended:
            return True
        for name in ("jti", "sid"):
            value = claims.get(name)
            if isinstance(value, str) and (name, value) in ended:
                return True
        return bool(made_at <= ended.get(("user", claims["sub"]), float("-inf")))

    def refuses_key(self, kid: str) -> bool:
        """Whether nothing that *kid* signs is believed any more."""
        return ("kid", kid) in self._ended

    def add(self, entries: Iterable[Entry]) -> None:
        """Remember *entries*; nothing is ever taken back by what is added."""
        ended = self._ended
        for kind, value, at in entries:
            ended[kind, value] = max(at, ended.get((kind, value), at))
        if len(ended) > MAX_KNOWN:
            self._collapse()

    def forget(self, before: float) -> None:
        """Forget what ended *before* a time, but for keys: with a stolen one tokens last for ever."""
        self._ended = {
            key: at for key, at in self._ended.items() if at >= before or key[0] == "kid"
        }

    def _collapse(self) -> None:
        """Make room: of the older half it is only remembered until when tokens were made."""
        one_by_one = sorted(
            (at, key) for key, at in self._ended.items() if key[0] != "kid"
        )  # fmt: skip
        gone = one_by_one[: len(one_by_one) // 2]
        if not gone:
            return
        # First refused as a whole, then forgotten one by one: nobody asks in between in vain.
        self._all_until = max(self._all_until, gone[-1][0] + SKEW)
        log.warning("too much was revoked to remember it all: older tokens are all refused")
        dropped = {key for _, key in gone}
        self._ended = {key: at for key, at in self._ended.items() if key not in dropped}


def kid_of_page(token: str, max_length: int) -> str:
    """Return the key that a page says it is signed with; what it raises is in `strict.MALFORMED`."""
    header = strict.header_of(token, max_length)
    kid = header.get("kid")
    if header.get("typ") != "revocations+jwt" or header["alg"] not in ALGORITHMS:
        raise NotAPage("another type of token")
    if not isinstance(kid, str):
        raise NotAPage("no key is named")
    return kid


def page_of(token: str, key: RSAKey, *, issuer: str, since: str | None, now: datetime) -> Page:
    """Return the page *token* if *key* has signed it, and it is what comes after *since* now.

    What it raises otherwise is in `strict.MALFORMED`.
    """
    claims = jwt.decode(token, KeySet([key]), ALGORITHMS).claims
    if (claims.get("iss"), claims.get("aud")) != (issuer, "revocations"):
        raise NotAPage("from or for somebody else")
    if claims.get("since", "") != since:
        raise NotAPage("another page")
    after, more, kept = map(claims.get, ("next", "more", "kept"))
    signed_at, entries = strict.numeric_date(claims.get("iat")), claims.get("entries")
    if not isinstance(after, str) or not _CURSOR.fullmatch(after) or not isinstance(more, bool):
        raise NotAPage("it does not say how it goes on")
    if more and after == since:
        raise NotAPage("it goes on in a circle")
    if isinstance(kept, bool) or not isinstance(kept, int | float) or not 0 < kept <= MAX_KEPT:
        raise NotAPage("it does not say how long it counts")
    if signed_at > now + LEEWAY or (not more and signed_at < now - STALE - LEEWAY):
        raise NotAPage("it is not of this time")
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise NotAPage("no entries")
    return Page([each for raw in entries for each in _entries(raw)], after, more, kept, signed_at)


def _entries(raw: object) -> Iterable[Entry]:
    """Read an entry; one of a kind that is not known yet is passed over."""
    if not isinstance(raw, dict):
        raise NotAPage("an entry is no object")
    at = strict.numeric_date(raw.get("at")).timestamp()
    for kind in KINDS:
        if kind in raw:
            if not isinstance(raw[kind], str):
                raise NotAPage("an entry names nothing")
            yield Entry(kind, raw[kind], at)
