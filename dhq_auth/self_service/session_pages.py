"""The page of one's sessions, and its form."""

from aiohttp import web

from dhq_auth.access.end import end_session, end_sessions
from dhq_auth.credentials import Authenticated, Authenticator, session
from dhq_auth.errors import NotFound
from dhq_auth.opaque import is_id
from dhq_auth.self_service.sessions import NO_SESSION, described
from dhq_auth.self_service.signed_in import signed_in
from dhq_auth.sessions import store
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import params
from dhq_auth.web.render import Pages, redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

SHOWN = 200


class SessionPages:
    """Where one is signed in."""

    def __init__(
        self, settings: Settings, work: Work, authenticator: Authenticator, pages: Pages
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of this page."""
        show = signed_in(self._authenticator, self._settings.issuer, self.show)
        end = signed_in(self._authenticator, self._settings.issuer, self.end)
        return [
            Route(method="GET", path="/profile/sessions", handler=show, kind="page"),
            Route(method="POST", path="/profile/sessions/end", handler=end, kind="page"),
        ]

    async def show(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Show the sessions, this one first, then the newest."""
        now = self._work.now()
        async with self._work.read() as db:
            found = await store.newest_sessions_of(db, who.user.id, now, SHOWN)
        sessions = [
            {
                **described(each, who),
                "created_at": each.created_at,
                "used_at": each.used_at,
                "expires_at": each.ends_at(now),
            }
            for each in found
        ]
        sessions.sort(key=lambda each: not each["current"])
        return self._pages.render(request, "sessions.html", sessions=sessions)

    async def end(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """End the session `id`, or with `all` every one."""
        sent = await params(request, self._settings.limits)
        everyone, session_id = sent.flag("all"), sent.text("id", max_length=64) or ""

        async def end(tx: Transaction) -> None:
            if everyone:
                await end_sessions(tx, who.user)
            elif not is_id(session_id) or not await end_session(tx, who.user, session_id):
                raise NotFound(NO_SESSION)

        await self._work.transact(source(request), end)
        if not everyone and session_id != who.principal.session_id:
            return redirect(f"{self._settings.issuer}/profile/sessions", status=303)
        response = redirect(f"{self._settings.issuer}/signed-out", status=303)
        session.clear_cookie(response, self._settings)
        return response
