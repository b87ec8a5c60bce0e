"""The routes of the setup, which makes the first administrator once.

Without a code it is for who sits at this machine: for the browser or program that reaches us
directly, by a loopback address, and is led by no page of another site. Everybody else needs the
setup code, which only who runs the service can read.
"""

from ipaddress import IPv6Address, ip_address
from typing import Final

from aiohttp import web

from dhq_auth.access.password_login import NOWHERE, PasswordLogins
from dhq_auth.administration import openapi
from dhq_auth.administration.first_administrator import (
    check_setup,
    make_first_administrator,
    new_password,
)
from dhq_auth.administration.setup_code import is_setup_code
from dhq_auth.administration.setup_file import code_file, remove_code
from dhq_auth.credentials import session
from dhq_auth.errors import AuthError, Forbidden
from dhq_auth.redirects import Origin
from dhq_auth.settings import Settings
from dhq_auth.throttle.rates import RateLimit
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.web.client import source
from dhq_auth.web.errors import wants_page
from dhq_auth.web.params import params
from dhq_auth.web.render import Pages
from dhq_auth.web.routing import Route
from dhq_auth.work import Work

TRIES: Final = 10
"""Codes that may be tried per minute, address and process."""
TOO_MANY_TRIES: Final = "Too many setup codes were tried from here; wait a little."
NEEDS_CODE: Final = "From here the setup needs the setup code."
WRONG_CODE: Final = "The setup code is wrong."
_FORWARDED: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


class SetupViews:
    """The first administrator."""

    def __init__(
        self,
        *,
        settings: Settings,
        work: Work,
        keyring: Keyring,
        logins: PasswordLogins,
        pages: Pages,
    ) -> None:
        self._settings = settings
        self._work = work
        self._keyring = keyring
        self._logins = logins
        self._pages = pages
        self._tries = RateLimit(TRIES, work.now, refusal=TOO_MANY_TRIES, name="setup")

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(method="POST", path="/auth/setup", handler=self.set_up, operation=openapi.SETUP),
            Route(method="GET", path="/setup", handler=self.show, kind="page"),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the form, for as long as there is no administrator."""
        await self._check_undone()
        return self._page(request, needs_code=not is_local(request, self._settings))

    async def set_up(self, request: web.Request) -> web.StreamResponse:
        """Make the first administrator, and show the password once."""
        sent = await params(request, self._settings.limits)
        await self._check_undone()
        try:
            self._check_allowed(request, sent.string("code"))
            made = await self._made(request)
        except Forbidden as error:
            if not wants_page(request):
                raise
            return self._page(request, needs_code=True, error=error)
        if wants_page(request):
            return self._page(request, status=201, made=made)
        return web.json_response(made, status=201)

    async def _check_undone(self) -> None:
        try:
            await check_setup(self._work, self._settings)
        except AuthError as error:
            error.way_back = f"{self._settings.issuer}/login"
            raise

    def _check_allowed(self, request: web.Request, code: str | None) -> None:
        """Raise Forbidden unless the caller sits at this machine or knows the code."""
        if not code:
            if not is_local(request, self._settings) or is_foreign(request, self._settings):
                raise Forbidden(NEEDS_CODE, code="setup_code_required")
            return
        self._tries.spend(source(request).address or NOWHERE)
        if not is_setup_code(self._keyring, code):
            raise Forbidden(WRONG_CODE, code="setup_code_required")

    async def _made(self, request: web.Request) -> dict[str, str | None]:
        password = new_password(self._settings)
        hashed = await self._logins.hashed(password, source(request))
        user = await make_first_administrator(self._work, source(request), hashed)
        remove_code(code_file(self._settings))
        return {"username": user.username, "password": password}

    def _page(
        self,
        request: web.Request,
        *,
        status: int = 200,
        made: dict[str, str | None] | None = None,
        needs_code: bool = False,
        error: AuthError | None = None,
    ) -> web.StreamResponse:
        return self._pages.render(
            request,
            "setup.html",
            status=error.status if error else status,
            made=made,
            needs_code=needs_code,
            error=error.detail if error else None,
        )


def is_local(request: web.Request, settings: Settings) -> bool:
    """Whether *request* comes from this machine directly, and was meant for it.

    The address that it was sent to counts, too: a page elsewhere whose name is made to lead to
    127.0.0.1 sends its own name as Host. Who was forwarded may come from anywhere.
    """
    if not settings.external_address.is_loopback:
        return False
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        peer = ip_address((request.remote or "").partition("%")[0])
        host = Origin.of(f"http://{request.headers.get('Host', '')}")
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, IPv6Address) else None
    return (mapped or peer).is_loopback and host.is_loopback


def is_foreign(request: web.Request, settings: Settings) -> bool:
    """Whether a page of another site led the browser to send *request*."""
    if request.headers.get("Sec-Fetch-Site") == "none":  # typed in by the person
        return request.headers.get("Origin") not in {None, settings.issuer}
    return not session.counts(request, settings.external_address)
