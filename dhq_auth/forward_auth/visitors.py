"""Who stands before an application: by what he presents, or by the cookie of its host."""

from typing import Final

from aiohttp import web

from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.credentials.presented import presented
from dhq_auth.credentials.session import Sessions, counts
from dhq_auth.errors import Forbidden, InvalidCredential
from dhq_auth.forward_auth.host_cookies import HostCookie
from dhq_auth.forward_auth.original import PREFIX, Original
from dhq_auth.message import Message
from dhq_auth.principal import PROFILE
from dhq_auth.redirects import Origin
from dhq_auth.settings import Settings
from dhq_auth.web.client import ACTOR
from dhq_auth.web.params import Params

CALLBACK: Final = f"{PREFIX}/callback"


class Visitors:
    """Knows those who come to applications."""

    def __init__(
        self, settings: Settings, authenticator: Authenticator, sessions: Sessions
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._sessions = sessions

    def is_own(self, origin: Origin) -> bool:
        """Whether an application shares our own origin, and with it our session cookie."""
        return origin == self._settings.external_address

    def check(self, origin: Origin) -> None:
        """Raise Forbidden unless browsers may be signed in at *origin*: ALLOWED_REDIRECTS says."""
        if not self._authenticator.takes_sessions:
            raise Forbidden("This service keeps no sessions (CREDENTIALS).", code="sessions_off")
        try:
            self._settings.redirects.check(f"{origin}{CALLBACK}")
        except ValueError as error:
            raise Forbidden(
                Message("Nobody can be signed in at {origin}: {reason}.",
                        origin=str(origin), reason=str(error)),
                code="origin_not_allowed",
            ) from None  # fmt: skip

    async def who(self, request: web.Request, sent: Params, asked: Original) -> Authenticated:
        """Return who made the *asked* request, with a credential that is good for the profile.

        Explicit credentials come first. At our own origin the session cookie counts, at others that
        of their host. Raises InvalidCredential as `Authenticator.authenticate` does, and Forbidden
        at another origin where no cookie can count.
        """
        if presented(request, sent) is None:
            if not self.is_own(asked.origin):
                self.check(asked.origin)
                return await self._of_cookie(request, asked)
            if not counts(request, asked.origin, asked.method):
                raise InvalidCredential("another site has sent this request", reason="missing")
        return await self._authenticator.authenticate(request, sent, PROFILE)

    async def at_application(self, request: web.Request, asked: Original) -> Authenticated | None:
        """Return who is signed in at the application that *asked* is about, or None."""
        if self.is_own(asked.origin):
            return await self._authenticator.of_cookie(request)
        try:
            return await self._of_cookie(request, asked)
        except InvalidCredential:
            return None

    async def _of_cookie(self, request: web.Request, asked: Original) -> Authenticated:
        secret = HostCookie.session(asked.origin).read(request)
        if secret is None:
            raise InvalidCredential("nobody is signed in there", reason="missing")
        if not counts(request, asked.origin, asked.method):
            raise InvalidCredential("another site has sent this request", reason="missing")
        who = await self._sessions.of_host(secret, asked.origin)
        request[ACTOR] = who.user.id
        return who
