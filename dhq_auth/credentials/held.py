"""A login that must not end while something lasting is made of it."""

from typing import Final

from dhq_auth.access.password_login import still_holds
from dhq_auth.accounts.store import User, hold, lock_administrators, user_by_id
from dhq_auth.api_tokens import store as api_tokens
from dhq_auth.credentials.kind import Authenticated
from dhq_auth.errors import InvalidCredential
from dhq_auth.principal import AuthMethod
from dhq_auth.sessions import store as sessions
from dhq_auth.work import Transaction

LOGIN_ENDED: Final = "the login has ended"
_API_TOKENS: Final = (AuthMethod.API_TOKEN, AuthMethod.DEVELOPER_TOKEN)


async def keep_logged_in(tx: Transaction, who: Authenticated) -> None:
    """Keep everything of *who* from being ended until *tx* is, one such transaction at a time.

    Raises InvalidCredential if the login that was believed before *tx* began has ended since: of a
    sign-out everywhere and a token that is made at the same moment, the sign-out wins.
    """
    if who.user.is_admin:
        # Before the own row, as `access.accounts` locks them: else two would wait for one another.
        await lock_administrators(tx.db)
    await _keep(tx, who)


async def keep_as_is(tx: Transaction, who: Authenticated) -> User:
    """Keep *who* logged in, and all administrators and policies as they are, until *tx* is.

    Returns the user as the database has him now: what he has lost since the credential was believed,
    while the request was under way or waited for a hash, he does not have. Raises InvalidCredential
    as `keep_logged_in` does.
    """
    await lock_administrators(tx.db)
    await _keep(tx, who)
    user = await user_by_id(tx.db, who.user.id)
    if user is None:
        raise InvalidCredential(LOGIN_ENDED, reason="revoked")
    return user


async def _keep(tx: Transaction, who: Authenticated) -> None:
    principal = who.principal
    there = await hold(tx.db, principal.user_id, alone=True)
    if there and principal.session_id is not None:
        there = await sessions.is_there(tx.db, principal.session_id, principal.user_id)
    if there and principal.token_id is not None and principal.method in _API_TOKENS:
        there = await api_tokens.is_kept(tx.db, principal.token_id)
    if there and who.account is not None:
        there = await still_holds(tx, who.account)
    if not there:
        raise InvalidCredential(LOGIN_ENDED, reason="revoked")
