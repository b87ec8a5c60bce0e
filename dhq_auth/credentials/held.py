"""A login that must not end while something lasting is made of it."""

from typing import Final

from dhq_auth.access.password_login import still_holds
from dhq_auth.accounts.store import hold, lock_administrators
from dhq_auth.credentials.kind import Authenticated
from dhq_auth.errors import Forbidden, InvalidCredential
from dhq_auth.sessions import store as sessions
from dhq_auth.work import Transaction

ADMINISTRATORS_ONLY: Final = "This is for administrators."


async def keep_logged_in(tx: Transaction, who: Authenticated) -> None:
    """Keep everything of *who* from being ended until *tx* is, one such transaction at a time.

    Raises InvalidCredential if the login that was believed before *tx* began has ended since: of a
    sign-out everywhere and a token that is made at the same moment, the sign-out wins.
    """
    if who.user.is_admin:
        # Before the own row, as `access.accounts` locks them: else two would wait for one another.
        await lock_administrators(tx.db)
    await _keep(tx, who)


async def keep_administrator(tx: Transaction, who: Authenticated) -> None:
    """Keep *who* logged in, and an administrator, until *tx* is.

    Raises InvalidCredential as `keep_logged_in` does; Forbidden for one who has lost the right since
    it was believed: what is under way, and what waits for a hash, ends with it.
    """
    administrators = await lock_administrators(tx.db)
    await _keep(tx, who)
    if who.user.id not in administrators:
        raise Forbidden(ADMINISTRATORS_ONLY)


async def _keep(tx: Transaction, who: Authenticated) -> None:
    principal = who.principal
    there = await hold(tx.db, principal.user_id, alone=True)
    if there and principal.session_id is not None:
        there = await sessions.is_there(tx.db, principal.session_id, principal.user_id)
    if there and who.account is not None:
        there = await still_holds(tx, who.account)
    if not there:
        raise InvalidCredential("the login has ended", reason="revoked")
