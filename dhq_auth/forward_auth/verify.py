"""`/auth/verify`: whether a proxy may let a request through, and whose it is."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from aiohttp import web

from dhq_auth.accounts.store import User
from dhq_auth.credentials.presented import presented
from dhq_auth.errors import InvalidCredential
from dhq_auth.forward_auth.original import PREFIX, Original, original
from dhq_auth.forward_auth.visitors import Visitors
from dhq_auth.settings import Settings
from dhq_auth.web.params import Params, query
from dhq_auth.web.render import redirect

START: Final = f"{PREFIX}/start"
# All that is visible, but the sign of the encoding itself, and what proxies take for variables.
_PLAIN: Final = "".join(set(map(chr, range(0x21, 0x7F))) - set("%{}"))
# What a query may hold as it is (RFC 3986 3.4), but what separates or encodes.
_OF_QUERY: Final = "/?:@!$'()*,;=-._~"


class LoginNeeded(InvalidCredential):
    """Nobody is signed in, and the browser can be led to *login* for that."""

    def __init__(self, missing: InvalidCredential, login: str) -> None:
        super().__init__(missing.detail, reason=missing.reason)
        self.scheme = missing.scheme
        self.login = login
        self.way_back = login

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the challenge, and where a proxy may lead a browser."""
        return {**super().headers, "X-Auth-Login": self.login}


class VerifyView:
    """The question of proxies."""

    def __init__(self, settings: Settings, visitors: Visitors) -> None:
        self._settings = settings
        self._visitors = visitors

    async def verify(self, request: web.Request) -> web.StreamResponse:
        """Say who made the request that a proxy holds back, or that nobody known did."""
        asked = original(request, self._settings)
        # Caddy leaves the query of the application behind its question, Envoy the path, too.
        sent = Params([]) if asked.told else query(request)
        try:
            who = await self._visitors.who(request, sent, asked)
        except InvalidCredential as error:
            if presented(request, sent) is not None or not asked.is_navigation(request):
                raise
            self._visitors.check(asked.origin)
            login = start_url(asked)
            if request.headers.get("X-Auth-Redirect", "").lower() == "on":
                return redirect(login)
            raise LoginNeeded(error, login) from error
        return web.json_response({}, headers=identity(who.user))


def start_url(asked: Original) -> str:
    """Return where a login begins that leads back to what was *asked* for."""
    return f"{asked.origin}{START}?rd={quote(asked.target, safe=_OF_QUERY)}"


def identity(user: User) -> Mapping[str, str]:
    """Return what an application is told of *user*: percent-encoded UTF-8 (RFC 3986 2.5)."""
    told = {
        "X-Auth-User": user.id,
        "X-Auth-Username": user.username,
        "X-Auth-Email": user.email if user.email_verified else None,
    }
    return {name: quote(value, safe=_PLAIN) for name, value in told.items() if value}
