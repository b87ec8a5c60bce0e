"""Reading what an API token is to be: title, end, scopes."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from dhq_auth.access.tokens import MAX_LIFETIME, TITLE, Wanted, checked
from dhq_auth.api_tokens import scopes
from dhq_auth.errors import InvalidRequest
from dhq_auth.web.params import Params

_SECONDS = re.compile(r"[0-9]{1,10}")


def wanted_token(sent: Params, now: datetime) -> Wanted:
    """Return what *sent* asks for; InvalidRequest says what would be right."""
    return checked(
        Wanted(
            title=(sent.text("title") or "").strip() or TITLE,
            expires_at=_expires_at(sent, now),
            scopes=_scopes(sent),
        ),
        now,
    )


def _expires_at(sent: Params, now: datetime) -> datetime | None:
    """Return when the token ends: `expires_in` seconds from now, or at `expires_at` (RFC 3339)."""
    seconds, moment = _seconds(sent.get("expires_in")), sent.text("expires_at", max_length=64)
    if seconds is not None and moment is not None:
        raise InvalidRequest("Give expires_in or expires_at, not both.")
    if seconds is not None:
        return now + timedelta(seconds=min(seconds, 2 * MAX_LIFETIME.total_seconds()))
    if moment is None:
        return None
    with suppress(ValueError, OverflowError):  # the latter at the ends of all calendars
        ends = datetime.fromisoformat(moment)
        if ends.utcoffset() is not None:
            return ends.astimezone(UTC)
    raise InvalidRequest("expires_at must look like 2030-12-31T23:59:59Z.")


def _seconds(value: object) -> int | None:
    match value:
        case None | "":
            return None
        case bool():
            pass
        case int():
            return max(value, 0)
        case str() if _SECONDS.fullmatch(value):
            return int(value)
    raise InvalidRequest("expires_in must be a whole number of seconds.")


def _scopes(sent: Params) -> frozenset[str] | None:
    """Return the scopes, a list or words with blanks between them; None for all that one may."""
    match sent.get("scopes"):
        case None:
            return None
        case str() as words:
            named: list[object] = [*words.split()]
            return scopes.check(named) if named else None
        case list(named) if named:
            return scopes.check(named)
    raise InvalidRequest(
        "scopes must be a list of scopes, or a text of them with blanks between; leave it out for "
        "a token that may do all that you may."
    )
