"""Logout: what is presented ends, cookie and token both, or everything of the user."""

from aiohttp import web

from dhq_auth.access.end import end_everything, end_session
from dhq_auth.credentials import Authenticated, Authenticator, session
from dhq_auth.errors import InvalidCredential, InvalidRequest
from dhq_auth.principal import LOGIN
from dhq_auth.self_service.openapi import logout as openapi
from dhq_auth.settings import Settings
from dhq_auth.tokens.revoked.store import revoke_token
from dhq_auth.web.client import source
from dhq_auth.web.errors import wants_page
from dhq_auth.web.params import params
from dhq_auth.web.render import Pages, redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work


class LogoutViews:
    """Ending what one came in with."""

    def __init__(
        self, settings: Settings, work: Work, authenticator: Authenticator, pages: Pages
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(
                method="POST", path="/auth/logout", handler=self.logout, operation=openapi.LOGOUT
            ),
            Route(
                method="DELETE", path="/auth/logout", handler=self.logout, operation=openapi.LOGOUT
            ),
            Route(method="GET", path="/signed-out", handler=self.signed_out, kind="page"),
        ]

    async def logout(self, request: web.Request) -> web.StreamResponse:
        """End what was presented, cookie and token both; with `all` everything of the user."""
        sent = await params(request, self._settings.limits)
        everything = sent.flag("all")
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        if who.principal.session_id is None and not everything:
            raise InvalidRequest(
                "Name and password have no session to end; send all=true to end every one."
            )
        browser = await self._authenticator.of_cookie(request) or who

        async def end(tx: Transaction) -> bool:
            ended = await self._end(tx, who, everywhere=everything)
            if browser.principal.session_id != who.principal.session_id:
                ended |= await self._end(tx, browser)
            return ended

        ended = await self._work.transact(source(request), end)
        # Committed. Of two logouts at once, one ended it; name and password are no login that ends.
        if not ended and who.principal.session_id is not None:
            raise InvalidCredential("the login has ended", reason="revoked")
        response = (
            redirect(f"{self._settings.issuer}/signed-out", status=303)
            if wants_page(request)
            else web.json_response({})
        )
        # A page elsewhere may post a token of its own: whoever follows it stays signed in.
        if session.counts(request, self._settings.external_address):
            session.clear_cookie(response, self._settings)
        return response

    async def signed_out(self, request: web.Request) -> web.StreamResponse:
        """Say goodbye."""
        return self._pages.render(request, "signed_out.html")

    async def _end(self, tx: Transaction, who: Authenticated, *, everywhere: bool = False) -> bool:
        """End the session of *who*, or all of that user, and the token that was presented.

        Says whether there was any.
        """
        principal = who.principal
        if principal.token_id and principal.expires_at:
            await revoke_token(tx.db, principal.token_id, tx.now, principal.expires_at)
        if everywhere:
            return await end_everything(tx, who.user, "everywhere") > 0
        session_id = principal.session_id
        return session_id is not None and await end_session(tx, who.user, session_id)
