"""One-time login codes: what a login ends with for whoever can prove that he began it."""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta

from dhq_auth.access.codes import store
from dhq_auth.access.codes.store import LoginCode
from dhq_auth.access.end import end_session
from dhq_auth.accounts import store as accounts
from dhq_auth.accounts.store import User
from dhq_auth.errors import InvalidGrant
from dhq_auth.events import CodeReplayed, Source
from dhq_auth.opaque import digest, new_secret, s256
from dhq_auth.redirects import Origin
from dhq_auth.work import Transaction, Work

BAD_CODE = "The code is unknown, spent or expired, or the verifier is wrong."
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Whose login a code stood for, and the session of it."""

    user: User
    session_id: str


async def give(
    work: Work,
    user_id: str,
    session_id: str,
    code_challenge: str,
    lifetime: timedelta,
    *,
    handed_to: Origin | None,
) -> str:
    """Return a code for the session, good for *lifetime*.

    Only the verifier of *code_challenge* (RFC 7636 4.2) redeems it, and only for what it is meant
    for: a login token, or a session at the application *handed_to*.
    """
    code = new_secret()
    remembered = LoginCode(
        digest=digest(code),
        session_id=session_id,
        user_id=user_id,
        code_challenge=code_challenge,
        expires_at=work.now() + lifetime,
        handed_to=None if handed_to is None else str(handed_to),
    )
    await work.transact(Source(), lambda tx: store.add_code(tx.db, remembered))
    return code


async def redeem(
    work: Work, source: Source, code: str, verifier: str, *, handed_to: Origin | None = None
) -> Redeemed:
    """Spend *code* and return what it stood for (RFC 7636 4.6).

    Raises InvalidGrant for a code that is unknown, spent, expired or of another verifier, for one
    that was meant for something else, and for one whose login has ended since.
    """
    code_digest = digest(code)
    # Made-up codes must not queue for a transaction.
    async with work.read() as db:
        known = await store.known_code(db, code_digest)
    if known is None:
        raise InvalidGrant(BAD_CODE)
    redeemed, user = await work.transact(source, lambda tx: _spend(tx, code_digest))
    # Committed: spent, or its session ended, whatever becomes of this request.
    if redeemed is None or user is None or redeemed.expires_at <= work.now():
        raise InvalidGrant(BAD_CODE)
    is_meant = redeemed.handed_to == (None if handed_to is None else str(handed_to))
    if not is_meant or not _fits(verifier, redeemed.code_challenge):
        raise InvalidGrant(BAD_CODE)
    return Redeemed(user, redeemed.session_id)


async def _spend(tx: Transaction, code: str) -> tuple[LoginCode | None, User | None]:
    """Spend *code*, a digest; return what it was for and whose it was, or end what was made of it.

    Two had the same code then: who came first may be a thief (RFC 9700 4.2.4). What ended is told
    once: a spent code must not fill the log for whoever sends it again and again.
    """
    if redeemed := await store.redeem_code(tx.db, code, tx.now):
        return redeemed, await store.user_of_code(tx.db, redeemed)
    spent = await store.known_code(tx.db, code)
    owner = await accounts.user_by_id(tx.db, spent.user_id) if spent else None
    if spent and owner and await end_session(tx, owner, spent.session_id):
        tx.emit(CodeReplayed(user_id=owner.id, session_id=spent.session_id))
    return None, None


def _fits(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(s256(verifier), challenge)
