"""What a username may be: chosen once, public, unique however it is spelt."""

import re

from dhq_auth.errors import InvalidRequest
from dhq_auth.message import Message

MAX_LENGTH = 64
_ALLOWED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_NOT_ALLOWED = re.compile(r"[^a-z0-9._-]+")

RESERVED = frozenset(
    """
    account accounts admin administrator all anonymous anyone api auth daemon deleted everyone
    guest help hostmaster info login logout mail me moderator nobody none null oauth operator owner
    postmaster profile public register root security self settings setup staff status support
    sysadmin system test undefined unknown user username users webmaster www
    """.split()  # noqa: SIM905 - a list of words reads best as words
)


def fold(username: str) -> str:
    """Return what *username* is compared by: letters of either case are the same."""
    return username.casefold()


def check(username: str, *, reserved: bool = False) -> str:
    """Return *username* if it may be chosen; InvalidRequest says what would be right.

    ASCII alone: what cannot be confused needs no table of confusables. With *reserved* it may be
    a name that only an operator can give.
    """
    if len(username) > MAX_LENGTH or not _ALLOWED.fullmatch(username):
        raise InvalidRequest(
            Message(
                "A username has up to {max_length} letters (a to z), digits, dots, hyphens "
                "and underscores, and begins and ends with a letter or digit.",
                max_length=MAX_LENGTH,
            )
        )
    if not reserved and fold(username) in RESERVED:
        raise InvalidRequest("This username is reserved; choose another one.")
    return username


def suggest(login: str | None, email: str | None) -> str:
    """Return the username to try first for one who logs in as *login* with *email*."""
    wanted = (login or (email or "").partition("@")[0]).lower()
    return _NOT_ALLOWED.sub("-", wanted)[: MAX_LENGTH - 8].strip("._-") or "member"
