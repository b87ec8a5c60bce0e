"""The first administrator: made once, by whoever comes first, with a password that must change."""

import secrets
import string
from typing import Final

from dhq_auth.access.accounts import INITIAL_PASSWORD_LIFETIME, Names, add_account
from dhq_auth.accounts import store as accounts
from dhq_auth.accounts.store import User
from dhq_auth.administration.store import finish_setup, setup_is_done
from dhq_auth.errors import Conflict, Forbidden
from dhq_auth.events import SetupDone, Source
from dhq_auth.settings import Settings
from dhq_auth.work import Transaction, Work

USERNAME: Final = "admin"
DONE: Final = "There is an administrator already; the setup works once."
NO_PASSWORDS: Final = (
    "Passwords are off (PASSWORD_LOGIN): log in at a provider, then let `dhq-auth user set-admin` "
    "make you an administrator."
)
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH: Final = 22  # characters of 5.95 bits: 130 in all


def new_password(settings: Settings) -> str:
    """Return a random password that keeps the rules, in characters that every keyboard has."""
    length = max(_LENGTH, settings.password_min_length)
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


async def check_setup(work: Work, settings: Settings) -> None:
    """Raise Conflict if the setup is done, Forbidden where nobody could log in after it."""
    async with work.read() as db:
        if await setup_is_done(db):
            raise _done()
    if not settings.password_login:
        raise Forbidden(NO_PASSWORDS, code="password_login_off")


async def make_first_administrator(work: Work, source: Source, hashed: str) -> User:
    """Make the first administrator, whose password *hashed* must be changed in seven days.

    Of several who try at once one succeeds; the others get Conflict. The default policies belong
    here, in the same transaction.
    """

    async def make(tx: Transaction) -> User:
        if await setup_is_done(tx.db):
            raise _done()
        await finish_setup(tx.db, tx.now)
        # Others cannot choose this name; an operator, or dhq-auth 0.1.6, may have given it.
        taken = await accounts.user_by_username(tx.db, USERNAME)
        name = await accounts.free_username(tx.db, USERNAME) if taken else USERNAME
        user = await add_account(
            tx,
            Names(username=name),
            hashed,
            vouched=True,
            is_admin=True,
            expires_at=tx.now + INITIAL_PASSWORD_LIFETIME,
        )
        tx.emit(SetupDone(user_id=user.id))
        return user

    try:
        return await work.transact(source, make)
    except Conflict as error:
        raise _done() from error


def _done() -> Conflict:
    return Conflict(DONE, code="setup_done")
