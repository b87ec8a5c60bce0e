"""USER, as commands take one: an id, a username or an email."""

from typing import Annotated, Final

import typer

from dhq_auth.accounts import store as accounts
from dhq_auth.accounts.store import User
from dhq_auth.administration.cursor import may_be_id
from dhq_auth.administration.store import users_who_claim
from dhq_auth.cli.outcome import Refused
from dhq_auth.db import Db

UserName = Annotated[
    str, typer.Argument(metavar="USER", help="An id, a username or an email.", show_default=False)
]
_SHOWN: Final = 5


async def user_named(db: Db, text: str) -> User:
    """Return the user of the id, username or email *text*; raises Refused unless it is one.

    An email means whom it was verified for, else the only account that was registered with it.
    """
    if text.isprintable():
        if may_be_id(text) and (user := await accounts.user_by_id(db, text)):
            return user
        if user := await accounts.user_by_username(db, text):
            return user
        if user := await accounts.user_by_verified_email(db, text):
            return user
        claims = await users_who_claim(db, text, _SHOWN)
        if len(claims) == 1:
            return claims[0]
        if claims:
            ids = ", ".join(user.id for user in claims)
            raise Refused(
                f"several accounts were registered with {text}, which nobody has verified: "
                f"give an id, such as {ids}"
            )
    raise Refused(f"there is no user with the id, username or email {text}")


def title_of(user: User) -> str:
    """Return what an operator calls *user*."""
    called = user.username or user.email
    return f"{called} ({user.id})" if called else user.id
