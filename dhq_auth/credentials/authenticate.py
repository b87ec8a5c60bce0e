"""The chain: which credential a request presents, and whether it holds."""

import re
from dataclasses import dataclass

from aiohttp import web

from dhq_auth.accounts.store import User
from dhq_auth.credentials import login_token, session
from dhq_auth.errors import InvalidCredential
from dhq_auth.principal import Principal
from dhq_auth.settings import Settings
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.web.params import Params
from dhq_auth.work import Work

_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The principal of a request, and the user as the database has it now."""

    principal: Principal
    user: User


class Authenticator:
    """Says who is asking, from the credential that the request presents."""

    def __init__(self, settings: Settings, work: Work, signer: TokenSigner) -> None:
        self._settings = settings
        self._work = work
        self._signer = signer

    async def authenticate(self, request: web.Request, params: Params) -> Authenticated:
        """Return who presents *request*.

        Explicit credentials come first, and a bad one is never rescued by another. Raises
        InvalidCredential: its reason is `missing`, `invalid`, `expired` or `revoked`.
        """
        if (token := _explicit(request, params)) is not None:
            principal, live = await login_token.authenticate(token, self._signer, self._work)
        elif (secret := session.cookie_secret(request, self._settings)) is not None:
            principal, live = await session.authenticate(secret, self._work)
        else:
            raise InvalidCredential("no credential was presented", reason="missing")
        return Authenticated(principal, live.user)

    async def of_cookie(self, request: web.Request) -> Authenticated | None:
        """Return whose browser this is, whatever else it presents; None if nobody's."""
        secret = session.cookie_secret(request, self._settings)
        if secret is None:
            return None
        try:
            principal, live = await session.authenticate(secret, self._work)
        except InvalidCredential:
            return None
        return Authenticated(principal, live.user)


def _explicit(request: web.Request, params: Params) -> str | None:
    """Return the token of the first of `Authorization`, `Auth-Token` and `jwt` that is there."""
    jwt = params.string("jwt")  # malformed is malformed, whether it counts or not
    for name in ("Authorization", "Auth-Token"):
        if len(request.headers.getall(name, ())) > 1:
            raise InvalidCredential(f"the header {name} stands there more than once")
    if (authorization := request.headers.get("Authorization")) is not None:
        if match := _BEARER.fullmatch(authorization):
            return match[1]
        raise InvalidCredential("Authorization must be: Bearer, a blank, and the token")
    return request.headers.get("Auth-Token") or jwt
