"""The page of one's own account, and its forms once more with what is wrong."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from aiohttp import web

from dhq_auth.access.accounts import NAMES
from dhq_auth.access.store import password_facts
from dhq_auth.accounts.identities.store import identities_of
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.errors import AuthError
from dhq_auth.self_service.signed_in import signed_in
from dhq_auth.settings import Settings
from dhq_auth.web.render import Pages, redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Work

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class ProfilePage:
    """Who one is here: names, password, linked logins."""

    def __init__(
        self, settings: Settings, work: Work, authenticator: Authenticator, pages: Pages
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._pages = pages
        self._titles = {each.name: each.title for each in settings.providers}

    def routes(self) -> list[Route]:
        """Return the routes of this page."""
        show = signed_in(self._authenticator, self._settings.issuer, self.show)
        return [
            Route(method="GET", path="/", handler=self.home, kind="page"),
            Route(method="GET", path="/profile", handler=show, kind="page"),
        ]

    async def home(self, request: web.Request) -> web.StreamResponse:
        """Lead to the profile, or to the login."""
        who = await self._authenticator.of_cookie(request)
        return redirect(f"{self._settings.issuer}{'/profile' if who else '/login'}")

    async def show(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Show the user of this browser."""
        return await self._page(request, who)

    async def again(
        self,
        request: web.Request,
        who: Authenticated,
        at: str,
        error: AuthError,
        typed: Mapping[str, str] = NOTHING,
    ) -> web.Response:
        """Show the page once more with *error*, which is about the form *at*, and what was *typed*."""
        response = await self._page(request, who, at=at, error=error, typed=typed)
        response.headers.update(error.headers)
        return response

    async def _page(
        self,
        request: web.Request,
        who: Authenticated,
        *,
        at: str | None = None,
        error: AuthError | None = None,
        typed: Mapping[str, str] = NOTHING,
    ) -> web.Response:
        async with self._work.read() as db:
            has_password, expires_at = await password_facts(db, who.user.id)
            identities = await identities_of(db, who.user.id)
        return self._pages.render(
            request,
            "profile.html",
            status=error.status if error else 200,
            user=who.user,
            identities=[
                {
                    "title": self._titles.get(each.provider, each.provider),
                    "linked_at": each.linked_at,
                    "last_login_at": each.last_login_at,
                }
                for each in identities
            ],
            has_password=has_password,
            password_expires_at=expires_at,
            min_length=self._settings.password_min_length
            if self._settings.password_login
            else None,
            at=at,
            error=(error.detail or error.title) if error else None,
            names={name: getattr(who.user, name) or "" for name in NAMES} | dict(typed),
        )
