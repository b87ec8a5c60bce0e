"""What every kind of credential is: one question, three answers."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol, Self

from aiohttp import web

from dhq_auth.access.store import Account
from dhq_auth.accounts.profile import own_profile
from dhq_auth.accounts.store import User
from dhq_auth.hookspecs import Presented
from dhq_auth.principal import AuthMethod, Principal


@dataclass(frozen=True)
class Authenticated:
    """The principal of a request, and the user as the database has it now.

    `account` is what a password was judged by, where one was presented. Until `good_until` the same
    credential means the same, unless something about it ends or changes; None: it is asked again.
    """

    principal: Principal
    user: User
    account: Account | None = None
    good_until: datetime | None = None

    @cached_property
    def profile_json(self) -> bytes:
        """The user's own profile as JSON; made once, while the credential is remembered."""
        return json.dumps(own_profile(self.user)).encode()

    @classmethod
    def by_password(cls, account: Account) -> Self:
        """Return whose *account* it is, after name and password were found right."""
        return cls(Principal(account.user.id, AuthMethod.PASSWORD), account.user, account)


class Kind(Protocol):
    """A kind of credential; CREDENTIALS says which are asked, and in which order."""

    async def authenticate(
        self, request: web.Request, presented: Presented | None
    ) -> Authenticated | None:
        """Return whose credential it is; None if it is not of this kind, without a query.

        *presented* is the explicit credential of *request*, None where there is none. Raises
        InvalidCredential, with the reason `invalid`, `expired` or `revoked`, for one that is of
        this kind and does not hold.
        """
