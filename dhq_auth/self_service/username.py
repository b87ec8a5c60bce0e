"""The names of users: one's own is chosen once, those of others are looked up."""

from aiohttp import web

from dhq_auth.accounts import store as accounts
from dhq_auth.accounts import usernames
from dhq_auth.accounts.profile import public_profile
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.errors import AuthError, Conflict, InvalidCredential, InvalidRequest
from dhq_auth.events import UsernameChosen
from dhq_auth.principal import PROFILE
from dhq_auth.self_service.openapi import username as openapi
from dhq_auth.self_service.profile import ProfilePage
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.errors import wants_page
from dhq_auth.web.params import Params, params, query
from dhq_auth.web.render import redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

ALREADY_SET = "Cannot modify username, already set"
"""The text of 0.1.6; clients look for it."""
MAX_NAME = 255


class UsernameViews:
    """Choosing a username, and finding who has one."""

    def __init__(
        self, settings: Settings, work: Work, authenticator: Authenticator, profile: ProfilePage
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._profile = profile

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
        ]

    async def update(self, request: web.Request) -> web.StreamResponse:
        """Choose a username, once; other fields are ignored, as in 0.1.6."""
        sent = await params(request, self._settings.limits)
        wanted = sent.string("username")
        try:
            who = await self._authenticator.authenticate(request, sent, PROFILE)
        except InvalidCredential as error:
            if wants_page(request):
                return redirect(f"{self._settings.issuer}/login", status=303)
            return _refused("No token" if error.reason == "missing" else "Not authenticated")
        try:
            if wanted is not None:
                await self._choose(request, who.user, wanted)
        except (InvalidRequest, Conflict) as error:
            return await self._refusal(request, who, error)
        if wants_page(request):
            return redirect(f"{self._settings.issuer}/profile", status=303)
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

    async def _choose(self, request: web.Request, user: accounts.User, wanted: str) -> None:
        if user.username is not None:
            raise InvalidRequest(ALREADY_SET)
        username = usernames.check(wanted)

        async def choose(tx: Transaction) -> None:
            if not await accounts.choose_username(tx.db, user.id, username, tx.now):
                raise InvalidRequest(ALREADY_SET)
            tx.emit(UsernameChosen(user_id=user.id, username=username))

        try:
            await self._work.transact(source(request), choose)
        except Conflict:
            raise Conflict("This username is taken; choose another one.") from None

    async def _refusal(
        self, request: web.Request, who: Authenticated, error: AuthError
    ) -> web.Response:
        if wants_page(request):
            return await self._profile.again(request, who, "username", error)
        return _refused(error.detail)

    async def _named(self, sent: Params) -> accounts.User | None:
        username = sent.text("username", max_length=MAX_NAME)
        if username is None:
            return None
        async with self._work.read() as db:
            return await accounts.user_by_username(db, username)


def _refused(reason: str) -> web.Response:
    """Return the answer of 0.1.6 to an update that was not done."""
    return web.json_response({"success": False, "error": reason})
