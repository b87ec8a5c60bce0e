"""The routes of one's own account: username, public profile, logout, the profile page."""

from aiohttp import web

from dhq_auth.access.end import end_everything, end_session
from dhq_auth.accounts import store as accounts
from dhq_auth.accounts import usernames
from dhq_auth.accounts.profile import public_profile
from dhq_auth.credentials import Authenticated, Authenticator, session
from dhq_auth.errors import Conflict, InvalidCredential, InvalidRequest
from dhq_auth.events import UsernameChosen
from dhq_auth.principal import LOGIN, PROFILE
from dhq_auth.self_service import openapi
from dhq_auth.settings import Settings
from dhq_auth.tokens import store as tokens
from dhq_auth.web.client import source
from dhq_auth.web.errors import wants_page
from dhq_auth.web.params import Params, params, query
from dhq_auth.web.render import Pages, redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

ALREADY_SET = "Cannot modify username, already set"
"""The text of 0.1.6; clients look for it."""
MAX_NAME = 255


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
        wanted = sent.string("username")
        try:
            who = await self._authenticator.authenticate(request, sent, PROFILE)
        except InvalidCredential as error:
            return _refused("No token" if error.reason == "missing" else "Not authenticated")
        try:
            if wanted is not None:
                await self._choose_username(request, who.user, wanted)
        except (InvalidRequest, Conflict) as error:
            return _refused(error.detail)
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
        everything = sent.flag("all")
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        if who.principal.session_id is None and not everything:
            raise InvalidRequest(
                "Name and password have no session to end; send all=true to end every one."
            )
        browser = await self._authenticator.of_cookie(request) or who
        async with self._work.transaction(source(request)) as tx:
            ended = await self._end(tx, who, everywhere=everything)
            if browser.principal.session_id != who.principal.session_id:
                ended |= await self._end(tx, browser)
        # Committed. Of two logouts at once, one ended it.
        if not ended:
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

    async def home(self, request: web.Request) -> web.StreamResponse:
        """Lead to the profile, or to the login."""
        who = await self._authenticator.of_cookie(request)
        return redirect(f"{self._settings.issuer}{'/profile' if who else '/login'}")

    async def profile(self, request: web.Request) -> web.StreamResponse:
        """Show the user of this browser, or lead to the login."""
        who = await self._authenticator.of_cookie(request)
        if who is None:
            return redirect(f"{self._settings.issuer}/login")
        return self._pages.render(request, "profile.html", user=who.user)

    async def signed_out(self, request: web.Request) -> web.StreamResponse:
        """Say goodbye."""
        return self._pages.render(request, "signed_out.html")

    async def _choose_username(
        self, request: web.Request, user: accounts.User, wanted: str
    ) -> None:
        if user.username is not None:
            raise InvalidRequest(ALREADY_SET)
        username = usernames.check(wanted)
        try:
            async with self._work.transaction(source(request)) as tx:
                if not await accounts.choose_username(tx.db, user.id, username, tx.now):
                    raise InvalidRequest(ALREADY_SET)
                tx.emit(UsernameChosen(user_id=user.id, username=username))
        except Conflict:
            raise Conflict("This username is taken; choose another one.") from None

    async def _named(self, sent: Params) -> accounts.User | None:
        username = sent.text("username", max_length=MAX_NAME)
        if username is None:
            return None
        async with self._work.read() as db:
            return await accounts.user_by_username(db, username)

    async def _end(self, tx: Transaction, who: Authenticated, *, everywhere: bool = False) -> bool:
        """End the session of *who*, or all of that user, and the token that was presented.

        Says whether there was any.
        """
        await self._revoke(tx, who)
        if everywhere:
            return await end_everything(tx, who.user, "everywhere") > 0
        session_id = who.principal.session_id
        return session_id is not None and await end_session(tx, who.user, session_id)

    async def _revoke(self, tx: Transaction, who: Authenticated) -> None:
        principal = who.principal
        if principal.token_id and principal.expires_at:
            await tokens.revoke_token(tx.db, principal.token_id, tx.now, principal.expires_at)


def _refused(reason: str) -> web.Response:
    """Return the answer of 0.1.6 to an update that was not done."""
    return web.json_response({"success": False, "error": reason})
