"""API tokens: made, made again, ended; by their owner, by an operator, by whoever found one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from dhq_auth.access.end import tell_revoked
from dhq_auth.accounts.store import User
from dhq_auth.api_tokens import store
from dhq_auth.api_tokens.store import ApiToken
from dhq_auth.errors import Conflict, InvalidRequest
from dhq_auth.events import TokenMade
from dhq_auth.message import Message
from dhq_auth.work import Transaction

TITLE: Final = "API token"
DEVELOPER_TITLE: Final = "Developer token"
MAX_TITLE: Final = 255
MAX_LIFETIME: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a token is to be; without `expires_at` it never expires, without `scopes` it may all."""

    title: str = TITLE
    expires_at: datetime | None = None
    scopes: frozenset[str] | None = None


def checked(wanted: Wanted, now: datetime) -> Wanted:
    """Return *wanted* if such a token may be made; InvalidRequest says what would be right."""
    if len(wanted.title) > MAX_TITLE or not wanted.title.isprintable():
        raise InvalidRequest(
            Message(
                "A title is one line of at most {max_title} characters, none of them a "
                "control character.",
                max_title=MAX_TITLE,
            )
        )
    ends = wanted.expires_at
    if ends is not None and not timedelta(0) < ends - now <= MAX_LIFETIME:
        raise InvalidRequest(
            Message(
                "A token expires in the future, in {days} days at the latest, or never.",
                days=MAX_LIFETIME.days,
            )
        )
    return wanted


async def make_token(
    tx: Transaction, user: User, wanted: Wanted, *, limit: int
) -> tuple[ApiToken, str]:
    """Make a token of *user* as it was *checked*; return it with its value, which is nowhere kept.

    Raises Conflict for a user with *limit* tokens that count.
    """
    if await store.count_live(tx.db, user.id, tx.now) >= limit:
        raise Conflict(
            Message("You have {limit} API tokens already: revoke some.", limit=limit),
            code="too_many_tokens",
        )
    token, value = await store.add(
        tx.db,
        user_id=user.id,
        title=wanted.title,
        now=tx.now,
        scopes=wanted.scopes,
        expires_at=wanted.expires_at,
    )
    tx.emit(TokenMade(user_id=user.id, token_id=token.id, developer=False))
    return token, value


async def make_developer_token(tx: Transaction, user: User) -> tuple[ApiToken, str]:
    """Make the developer token of *user*, and end the one before; return it with its value.

    Whoever calls this holds the user alone, or meets a Conflict where two do so at once.
    """
    replaced = await store.revoke(tx.db, tx.now, user_id=user.id, developer=True)
    tell_revoked(tx, replaced, "replaced")
    token, value = await store.add(
        tx.db, user_id=user.id, title=DEVELOPER_TITLE, now=tx.now, developer=True
    )
    tx.emit(TokenMade(user_id=user.id, token_id=token.id, developer=True))
    return token, value


async def revoke_tokens(
    tx: Transaction,
    *,
    how: str = "revoked",
    user_id: str | None = None,
    token_id: str | None = None,
    value: str | None = None,
    developer: bool | None = None,
) -> Sequence[ApiToken]:
    """End the live tokens that fit, as `api_tokens.store.revoke` finds them, and tell of it."""
    revoked = await store.revoke(
        tx.db, tx.now, user_id=user_id, token_id=token_id, value=value, developer=developer
    )
    tell_revoked(tx, revoked, how)
    return revoked
