"""One's own sessions: see them, end one, end all."""

from typing import Any

from aiohttp import web

from dhq_auth.access.end import end_session, end_sessions
from dhq_auth.clock import rfc3339
from dhq_auth.credentials import Authenticated, Authenticator, session
from dhq_auth.errors import NotFound
from dhq_auth.opaque import is_id
from dhq_auth.principal import LOGIN
from dhq_auth.self_service.listing import Part
from dhq_auth.self_service.openapi import sessions as openapi
from dhq_auth.sessions import store
from dhq_auth.sessions.store import Session
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import params, query
from dhq_auth.web.routing import Route
from dhq_auth.work import Work

NO_SESSION = "You have no such session."


class SessionViews:
    """The browsers and programs in which a user is logged in."""

    def __init__(self, settings: Settings, work: Work, authenticator: Authenticator) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(method="GET", path="/auth/sessions", handler=self.show, operation=openapi.LIST),
            Route(
                method="DELETE",
                path="/auth/sessions",
                handler=self.end_all,
                operation=openapi.END_ALL,
            ),
            Route(
                method="DELETE",
                path="/auth/sessions/{id}",
                handler=self.end_one,
                operation=openapi.END_ONE,
            ),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """List the sessions of the user, those whose login tokens live on included."""
        sent = query(request)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        part, now = Part.wanted(sent), self._work.now()
        async with self._work.read() as db:
            found = await store.sessions_of(db, who.user.id, now, part.read, part.after)
        items = [
            {
                **described(each, who),
                "created_at": rfc3339(each.created_at),
                "used_at": rfc3339(each.used_at),
                "expires_at": rfc3339(each.ends_at(now)),
            }
            for each in found
        ]
        return web.json_response(part.answer(items, "id"))

    async def end_one(self, request: web.Request) -> web.StreamResponse:
        """End one session, and with it its login tokens."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        session_id = request.match_info["id"]
        await self.end(request, who, session_id)
        own = session_id == who.principal.session_id
        return self._done(request, "The session has ended.", own=own)

    async def end_all(self, request: web.Request) -> web.StreamResponse:
        """End every session of the user, and with them every login token."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        await self._work.transact(source(request), lambda tx: end_sessions(tx, who.user))
        return self._done(request, "Every session has ended.", own=True)

    async def end(self, request: web.Request, who: Authenticated, session_id: str) -> None:
        """End the session *session_id* of *who*; NotFound if it is nobody's or somebody else's."""
        if not is_id(session_id) or not await self._work.transact(
            source(request), lambda tx: end_session(tx, who.user, session_id)
        ):
            raise NotFound(NO_SESSION)

    def _done(self, request: web.Request, message: str, *, own: bool) -> web.Response:
        response = web.json_response({"success": True, "message": message})
        if own and session.counts(request, self._settings.external_address):
            session.clear_cookie(response, self._settings)
        return response


def described(each: Session, who: Authenticated) -> dict[str, Any]:
    """Return what the owner may know of a session, without its times."""
    return {
        "id": each.id,
        "current": each.id == who.principal.session_id,
        "provider": each.provider,
        "address": each.address,
        "user_agent": each.user_agent,
    }
