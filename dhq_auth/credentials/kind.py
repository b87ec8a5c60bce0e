"""What every kind of credential is: one question, three answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from aiohttp import web

from dhq_auth.access.store import Account
from dhq_auth.accounts.store import User
from dhq_auth.hookspecs import Presented
from dhq_auth.principal import AuthMethod, Principal


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The principal of a request, and the user as the database has it now.

    `account` is what a password was judged by, where one was presented. Until `good_until` the same
    credential means the same, unless something about it ends or changes; None: it is asked again.
    """

    principal: Principal
    user: User
    account: Account | None = None
    good_until: datetime | None = None

    @classmethod
    def by_password(cls, account: Account) -> Self:
        """Return whose *account* it is, after name and password were found right."""
        return cls(Principal(account.user.id, AuthMethod.PASSWORD), account.user, account)


class Kind(Protocol):
    """A kind of credential; CREDENTIALS says which are asked, and in which order."""

    async def authenticate(
        self, request: web.Request, presented: Presented | None, *, remember: bool = False
    ) -> Authenticated | None:
        """Return whose credential it is; None if it is not of this kind, without a query.

        *presented* is the explicit credential of *request*, None where there is none. With
        *remember* it may be told from what was read a moment ago, if nothing of it ended. Raises
        InvalidCredential, with the reason `invalid`, `expired` or `revoked`, for one that is of
        this kind and does not hold.
        """
