"""What callers send of a user: each field by its type; what is none of them is ignored."""

from typing import Final

from dhq_auth.access.accounts import NAMES, Names, check_name
from dhq_auth.access.password_login import MAX_NAME
from dhq_auth.errors import InvalidRequest
from dhq_auth.message import Message
from dhq_auth.sdk.decision import Action
from dhq_auth.web.params import Params

FLAGS: Final = ("is_admin", "is_active")
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000


def names_of(sent: Params) -> Names:
    """Return how the account is to be called, not yet checked."""
    return Names(
        **{name: sent.text(name, max_length=MAX_NAME) for name in ("username", "email", *NAMES)}
    )


def changed_names(sent: Params) -> dict[str, str | None]:
    """Return the names that are sent; null, or a blank field of a form, clears one."""
    return {
        name: check_name(sent.text(name, max_length=MAX_NAME)) for name in NAMES if name in sent
    }


def changed_flags(sent: Params) -> dict[str, bool]:
    """Return the flags that are sent."""
    return {name: _flag(sent, name) for name in FLAGS if name in sent}


def limit_of(sent: Params) -> int:
    """Return how many items a page of a list has."""
    text = sent.string("limit")
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidRequest(
            Message(
                "The parameter limit is a whole number from 1 to {max_limit}.", max_limit=MAX_LIMIT
            )
        )
    return int(text)


def reading_of(sent: Params) -> Action:
    """Return how a list is read: `?mine` asks for what is the caller's own, by rules for that."""
    mine = sent.get("mine") == "" or sent.flag("mine")
    return "read_mine" if mine else "read"


def _flag(sent: Params, name: str) -> bool:
    # Nothing is not false here: what is not sent stays as it is.
    if sent[name] is None or sent[name] == "":
        raise InvalidRequest(Message("The parameter {name} must be true or false.", name=name))
    return sent.flag(name)
