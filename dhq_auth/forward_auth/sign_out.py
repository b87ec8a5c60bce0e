"""Signing out of an application on another host, and by choice of the session behind it."""

from typing import Final

from aiohttp import web

from dhq_auth.access.end import end_session
from dhq_auth.credentials import Authenticated
from dhq_auth.credentials.session import clear_cookie, counts
from dhq_auth.errors import Forbidden
from dhq_auth.events import ApplicationLeft
from dhq_auth.forward_auth.host_cookies import HostCookie
from dhq_auth.forward_auth.original import PREFIX, Original, original
from dhq_auth.forward_auth.verify import START
from dhq_auth.forward_auth.visitors import Visitors
from dhq_auth.host_sessions import store as host_sessions
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.errors import wants_page
from dhq_auth.web.params import params
from dhq_auth.web.render import Pages, redirect
from dhq_auth.work import Transaction, Work

SIGN_OUT: Final = f"{PREFIX}/sign_out"


class SignOut:
    """Ends what the hand-off began."""

    def __init__(self, settings: Settings, work: Work, visitors: Visitors, pages: Pages) -> None:
        self._settings = settings
        self._work = work
        self._visitors = visitors
        self._pages = pages

    async def page(self, request: web.Request) -> web.StreamResponse:
        """Ask whether, and from how much, to sign out; or say that nobody is signed in."""
        asked = original(request, self._settings)
        self._visitors.check(asked.origin)
        who = await self._visitors.at_application(request, asked)
        return self._pages.render(
            request,
            "sign_out.html",
            user=who.user if who else None,
            application=str(asked.origin).partition("://")[2],
            action=SIGN_OUT,
            start=START,
            branch=not self._visitors.is_own(asked.origin),
        )

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """End the session at the application; with `session=true` also the one behind it."""
        asked = original(request, self._settings)
        self._visitors.check(asked.origin)
        if not counts(request, asked.origin, asked.method):
            raise Forbidden("This form was sent by another site.", code="foreign_form")
        sent = await params(request, self._settings.limits)
        own = self._visitors.is_own(asked.origin)
        whole = sent.flag("session") or own
        who = await self._visitors.at_application(request, asked)
        if who is not None:
            await self._end(request, asked, who, whole=whole)
        response = (
            redirect(f"{asked.origin}{SIGN_OUT}", status=303)
            if wants_page(request)
            else web.json_response({})
        )
        if own:
            clear_cookie(response, self._settings)
        else:
            HostCookie.session(asked.origin).clear(response)
        return response

    async def _end(
        self, request: web.Request, asked: Original, who: Authenticated, *, whole: bool
    ) -> None:
        secret = HostCookie.session(asked.origin).read(request)
        session_id = who.principal.session_id
        assert session_id is not None  # noqa: S101 - it is a cookie that he is known by

        async def end(tx: Transaction) -> None:
            if whole:
                await end_session(tx, who.user, session_id)
            elif secret is not None and await host_sessions.end(tx.db, secret):
                tx.emit(
                    ApplicationLeft(
                        user_id=who.user.id, session_id=session_id, origin=str(asked.origin)
                    )
                )

        await self._work.transact(source(request), end)
