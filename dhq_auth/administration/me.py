"""The routes of one's own account as a record: `/auth/users/me`."""

from aiohttp import web

from dhq_auth.access.accounts import change_user, delete_user
from dhq_auth.administration import openapi
from dhq_auth.administration.fields import changed_names
from dhq_auth.administration.record import record_of
from dhq_auth.credentials import Authenticator, session
from dhq_auth.errors import InvalidCredential
from dhq_auth.principal import LOGIN, PROFILE
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import params, query
from dhq_auth.web.routing import Route
from dhq_auth.work import Work


class OwnUserViews:
    """One's own record."""

    def __init__(self, settings: Settings, work: Work, authenticator: Authenticator) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        me = "/auth/users/me"
        return [
            Route(method="GET", path=me, handler=self.show, operation=openapi.SHOW_ME),
            Route(method="PUT", path=me, handler=self.change, operation=openapi.CHANGE_ME),
            Route(method="DELETE", path=me, handler=self.delete, operation=openapi.DELETE_ME),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Give one's own record."""
        who = await self._authenticator.authenticate(request, query(request), PROFILE)
        return web.json_response(record_of(who.user))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Change one's own names; all else that is sent is ignored, rights above all."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, PROFILE)
        changes = changed_names(sent)
        own_id = who.user.id
        user = await self._work.transact(
            source(request), lambda tx: change_user(tx, own_id, changes, by=own_id)
        )
        return web.json_response(record_of(user))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete one's own account; who logged in long ago must log in again first."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        who.principal.demand_recent_login(self._work.now())
        deleted = await self._work.transact(
            source(request), lambda tx: delete_user(tx, who.user, by=who.user.id)
        )
        # Committed. Of two at once, one deleted it.
        if not deleted:
            raise InvalidCredential("the account is deleted", reason="revoked")
        response = web.json_response({})
        if session.counts(request, self._settings.external_address):
            session.clear_cookie(response, self._settings)
        return response
