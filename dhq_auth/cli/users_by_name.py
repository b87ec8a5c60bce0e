"""Whom an operator means: an id, a username or an email."""

from dhq_auth.access.store import accounts_by_name
from dhq_auth.accounts import store as accounts
from dhq_auth.accounts.store import User
from dhq_auth.cli.outcome import Refused
from dhq_auth.db import Db


async def user_named(db: Db, name: str) -> User:
    """Return the user whose id, username or email *name* is, looked for in this order.

    An email is whose it was verified to be, else whose who alone registered with it. Raises
    Refused for nobody, and for several who claim one email.
    """
    user = (
        await accounts.user_by_id(db, name)
        or await accounts.user_by_username(db, name)
        or await accounts.user_by_verified_email(db, name)
    )
    if user is not None:
        return user
    claiming = await accounts_by_name(db, name)
    if len(claiming) > 1:
        ids = ", ".join(account.user.id for account in claiming)
        raise Refused(f"{name!r} is claimed by several users; give an id: {ids}")
    if not claiming:
        raise Refused(f"there is no user with the id, username or email {name!r}")
    return claiming[0].user
