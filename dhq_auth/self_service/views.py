"""The routes of one's own account: username, public profile, logout, the profile page."""

from aiohttp import web

from dhq_auth.accounts import store as accounts
from dhq_auth.accounts import usernames
from dhq_auth.accounts.profile import own_profile, public_profile, user_info
from dhq_auth.credentials import Authenticated, Authenticator, session
from dhq_auth.errors import Conflict, InvalidCredential, InvalidRequest
from dhq_auth.events import LoggedOut, UsernameChosen
from dhq_auth.self_service import openapi
from dhq_auth.sessions import store as sessions
from dhq_auth.settings import Settings
from dhq_auth.tokens import store as tokens
from dhq_auth.web.client import source
from dhq_auth.web.errors import wants_page
from dhq_auth.web.params import Params, params, query
from dhq_auth.web.render import Pages, redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work


class SelfServiceViews:
    """One's own account."""

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
                method="POST", path="/auth/update", handler=self.update, operation=openapi.UPDATE
            ),
            Route(
                method="GET", path="/auth/resolve", handler=self.resolve, operation=openapi.RESOLVE
            ),
            Route(
                method="GET",
                path="/auth/get_profile",
                handler=self.get_profile,
                operation=openapi.GET_PROFILE,
            ),
            Route(
                method="POST", path="/auth/logout", handler=self.logout, operation=openapi.LOGOUT
            ),
            Route(
                method="DELETE", path="/auth/logout", handler=self.logout, operation=openapi.LOGOUT
            ),
            Route(method="GET", path="/", handler=self.home, kind="page"),
            Route(method="GET", path="/profile", handler=self.profile, kind="page"),
            Route(method="GET", path="/signed-out", handler=self.signed_out, kind="page"),
        ]

    async def update(self, request: web.Request) -> web.StreamResponse:
        """Choose a username, once; other fields are ignored, as in 0.1.6."""
        sent = await params(request, self._settings.limits)
        try:
            who = await self._authenticator.authenticate(request, sent)
            await self._choose_username(request, who, sent)
        except InvalidCredential as error:
            text = "No token" if error.reason == "missing" else "Not authenticated"
            return web.json_response({"success": False, "error": text})
        except (InvalidRequest, Conflict) as error:
            return web.json_response({"success": False, "error": error.detail})
        return web.json_response({"success": True})

    async def resolve(self, request: web.Request) -> web.StreamResponse:
        """Say which user has a username."""
        user = await self._named(query(request))
        return web.json_response({"userid": user.id if user else None})

    async def get_profile(self, request: web.Request) -> web.StreamResponse:
        """Say what everybody may know of the user with a username."""
        user = await self._named(query(request))
        profile = public_profile(user) if user else None
        return web.json_response({"found": user is not None, "profile": profile})

    async def logout(self, request: web.Request) -> web.StreamResponse:
        """End what was presented, cookie and token both; with `all` everything of the user."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent)
        browser = await self._authenticator.of_cookie(request)
        async with self._work.transaction(source(request)) as tx:
            if sent.flag("all"):
                await self._end_everything(tx, who)
            else:
                for each in {
                    one.principal.session_id: one for one in (who, browser) if one
                }.values():
                    await self._end(tx, each)
        response = (
            redirect(f"{self._settings.issuer}/signed-out")
            if wants_page(request)
            else web.json_response({})
        )
        session.clear_cookie(response, self._settings)
        return response

    async def home(self, request: web.Request) -> web.StreamResponse:
        """Lead to the profile, or to the login."""
        who = await self._authenticator.of_cookie(request)
        return redirect(f"{self._settings.issuer}{'/profile' if who else '/login'}")

    async def profile(self, request: web.Request) -> web.StreamResponse:
        """Show the user of this browser, or lead to the login."""
        who = await self._authenticator.of_cookie(request)
        if who is None:
            return redirect(f"{self._settings.issuer}/login")
        return self._pages.render("profile.html", user=who.user, profile=own_profile(who.user))

    async def signed_out(self, _request: web.Request) -> web.StreamResponse:
        """Say goodbye."""
        return self._pages.render("signed_out.html")

    async def _choose_username(
        self, request: web.Request, who: Authenticated, sent: Params
    ) -> None:
        wanted = sent.text("username")
        if wanted is None:
            return
        username = usernames.check(wanted)
        try:
            async with self._work.transaction(source(request)) as tx:
                if not await accounts.choose_username(tx.db, who.user.id, username, tx.now):
                    raise InvalidRequest("Cannot modify username, already set")
                tx.emit(UsernameChosen(user_id=who.user.id, username=username))
        except Conflict:
            raise Conflict("This username is taken; choose another one.") from None

    async def _named(self, sent: Params) -> accounts.User | None:
        username = sent.text("username")
        if username is None:
            return None
        async with self._work.read() as db:
            return await accounts.user_by_username(db, username)

    async def _end(self, tx: Transaction, who: Authenticated) -> None:
        principal = who.principal
        await sessions.end(tx.db, principal.session_id)
        if principal.token_id and principal.expires_at:
            await tokens.revoke_token(tx.db, principal.token_id, tx.now, principal.expires_at)
        tx.emit(
            LoggedOut(
                user_id=who.user.id,
                user_info=user_info(who.user),
                session_id=principal.session_id,
            )
        )

    async def _end_everything(self, tx: Transaction, who: Authenticated) -> None:
        lifetime = self._settings.login_token_lifetime + self._settings.limits.clock_leeway
        await sessions.end_all(tx.db, who.user.id)
        await tokens.revoke_user(tx.db, who.user.id, tx.now, tx.now + lifetime)
        tx.emit(
            LoggedOut(
                user_id=who.user.id,
                user_info=user_info(who.user),
                session_id=None,
                everywhere=True,
            )
        )
