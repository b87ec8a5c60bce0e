"""The page on which a user deletes the own account, for good."""

from aiohttp import web

from dhq_auth.access.accounts import delete_user
from dhq_auth.accounts.store import User
from dhq_auth.credentials import Authenticated, Authenticator, session
from dhq_auth.credentials.held import keep_logged_in
from dhq_auth.errors import AuthError, Conflict, Forbidden, InvalidRequest
from dhq_auth.message import Message
from dhq_auth.self_service.signed_in import signed_in
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import params
from dhq_auth.web.render import Pages, redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work


class DeletePage:
    """Leaving."""

    def __init__(
        self, settings: Settings, work: Work, authenticator: Authenticator, pages: Pages
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of this page."""
        path, issuer = "/profile/delete", self._settings.issuer
        show = signed_in(self._authenticator, issuer, self.show)
        delete = signed_in(self._authenticator, issuer, self.delete)
        return [
            Route(method="GET", path=path, handler=show, kind="page"),
            Route(method="POST", path=path, handler=delete, kind="page"),
        ]

    async def show(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Ask whether it is meant."""
        return self._page(request, who.user)

    async def delete(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Delete the account, once its name was typed by somebody who has just logged in."""
        sent = await params(request, self._settings.limits)

        async def delete(tx: Transaction) -> None:
            await keep_logged_in(tx, who)
            await delete_user(tx, who.user, by=who.user.id)

        try:
            typed, expected = sent.string("confirmation"), confirmation_of(who.user)
            if (typed or "").strip() != expected:
                raise InvalidRequest(Message("Type {expected} to confirm.", expected=expected))
            who.principal.demand_recent_login(self._work.now())
            await self._work.transact(source(request), delete)
        except (InvalidRequest, Forbidden, Conflict) as error:
            return self._page(request, who.user, error)
        response = redirect(f"{self._settings.issuer}/signed-out", status=303)
        session.clear_cookie(response, self._settings)
        return response

    def _page(
        self, request: web.Request, user: User, error: AuthError | None = None
    ) -> web.Response:
        return self._pages.render(
            request,
            "delete.html",
            status=error.status if error else 200,
            user=user,
            error=(error.detail or error.title) if error else None,
        )


def confirmation_of(user: User) -> str:
    """Return what *user* types to confirm: the page names the same."""
    return user.username or user.email or user.id
