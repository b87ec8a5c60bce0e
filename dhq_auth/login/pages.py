"""The pages that a login begins on: sign in, register."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from dhq_auth.credentials import Authenticator
from dhq_auth.errors import AuthError, Forbidden
from dhq_auth.login.attempt import Attempts, Destination
from dhq_auth.settings import ProviderSettings, Settings
from dhq_auth.web.client import REFUSED
from dhq_auth.web.params import Params, query
from dhq_auth.web.render import Pages
from dhq_auth.web.routing import Route

SHOWN_AGAIN = 320
"""Characters of what was typed that a form shows again."""


class LoginPages:
    """Sign in, register."""

    def __init__(
        self,
        *,
        settings: Settings,
        authenticator: Authenticator,
        attempts: Attempts,
        pages: Pages,
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._attempts = attempts
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route(method="GET", path="/login", handler=self.sign_in, kind="page"),
            Route(method="GET", path="/register", handler=self.register, kind="page"),
        ]

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Show the ways to log in, and to go on for who is signed in already."""
        destination = self._attempts.destination(query(request))
        who = await self._authenticator.of_cookie(request)
        return self._page(request, "login", destination, user=who.user if who else None)

    async def register(self, request: web.Request) -> web.StreamResponse:
        """Show the form that makes an account."""
        destination = self._attempts.destination(query(request))
        if not self._settings.registration_is_open:
            raise Forbidden("Accounts are made by administrators here.", code="registration_closed")
        return self._page(request, "register", destination)

    def again(
        self,
        request: web.Request,
        form: str,
        destination: Destination,
        sent: Params,
        error: AuthError,
    ) -> web.StreamResponse:
        """Show the form *form* once more, with what was typed, but no password, and what is wrong."""
        request[REFUSED] = error
        typed = {
            name: value[:SHOWN_AGAIN]
            for name in ("username", "email")
            if isinstance(value := sent.get(name), str)
        }
        response = self._page(
            request, form, destination, status=error.status, error=error.detail, **typed
        )
        response.headers.update(error.headers)
        return response

    def _page(
        self,
        request: web.Request,
        form: str,
        destination: Destination,
        *,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        settings, issuer = self._settings, self._settings.issuer
        defaults = {"user": None, "error": None, "username": "", "email": ""}
        return self._pages.render(
            request,
            f"{form}.html",
            status=status,
            form_targets=[] if destination.next is None else [destination.next],
            **{**defaults, **values},
            providers=self._buttons(settings.providers, destination),
            password=settings.password_login,
            register_url=(
                destination.added_to(f"{issuer}/register")
                if settings.registration_is_open
                else None
            ),
            login_url=destination.added_to(f"{issuer}/login"),
            hidden=destination.fields,
            min_length=settings.password_min_length,
        )

    def _buttons(
        self, providers: Sequence[ProviderSettings], destination: Destination
    ) -> list[dict[str, str]]:
        issuer = self._settings.issuer
        return [
            {
                "title": provider.title,
                "url": destination.added_to(f"{issuer}/auth/login/{provider.name}"),
            }
            for provider in providers
        ]
