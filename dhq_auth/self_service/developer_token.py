"""The one developer token of a user: make it, make it again, end it."""

from aiohttp import web

from dhq_auth.access.tokens import make_developer_token, revoke_tokens
from dhq_auth.api_tokens.store import ApiToken, developer_token
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.credentials.held import keep_logged_in
from dhq_auth.errors import NotFound
from dhq_auth.principal import LOGIN
from dhq_auth.self_service.openapi import developer_token as openapi
from dhq_auth.self_service.tokens import described, made, revoked
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import params, query
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

NONE = "You have no developer token."


class DeveloperTokenViews:
    """The token with which a developer tries things out."""

    def __init__(self, settings: Settings, work: Work, authenticator: Authenticator) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        path = "/auth/developer-token"
        return [
            Route(method="GET", path=path, handler=self.show, operation=openapi.SHOW),
            Route(method="POST", path=path, handler=self.make, operation=openapi.MAKE),
            Route(method="DELETE", path=path, handler=self.end, operation=openapi.END),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show what is known of the token, but not its value; 404 where there is none."""
        who = await self._authenticator.authenticate(request, query(request), LOGIN)
        token = await self.of(who)
        if token is None:
            raise NotFound(NONE)
        return web.json_response(described(token))

    async def make(self, request: web.Request) -> web.StreamResponse:
        """Make the token; the one before ends at once."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        token, value = await self.make_for(request, who)
        return web.json_response(made(token, value), status=201)

    async def end(self, request: web.Request) -> web.StreamResponse:
        """End the token."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        if not await self.end_of(request, who):
            raise NotFound(NONE)
        return revoked("The developer token is revoked.")

    async def of(self, who: Authenticated) -> ApiToken | None:
        """Return the developer token of *who*, None if there is none."""
        async with self._work.read() as db:
            return await developer_token(db, who.user.id)

    async def make_for(self, request: web.Request, who: Authenticated) -> tuple[ApiToken, str]:
        """Make the token of *who* anew; of many who ask at once the last one has it."""

        async def make(tx: Transaction) -> tuple[ApiToken, str]:
            await keep_logged_in(tx, who)
            return await make_developer_token(tx, who.user)

        return await self._work.transact(source(request), make)

    async def end_of(self, request: web.Request, who: Authenticated) -> bool:
        """End the token of *who*; say whether there was one."""
        user_id = who.user.id
        ended = await self._work.transact(
            source(request), lambda tx: revoke_tokens(tx, user_id=user_id, developer=True)
        )
        return bool(ended)
