"""Small routes that monitors and clients of older systems ask: status, counts, two refusals."""

from dataclasses import asdict

from aiohttp import web

from dhq_auth.administration import openapi, store
from dhq_auth.credentials import Authenticator
from dhq_auth.errors import Forbidden, InvalidCredential
from dhq_auth.principal import PROFILE
from dhq_auth.web.params import query
from dhq_auth.web.routing import Route
from dhq_auth.work import Work


class StatusViews:
    """How it stands."""

    def __init__(self, work: Work, authenticator: Authenticator) -> None:
        self._work = work
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(
                method="GET",
                path="/auth/status",
                handler=self.status,
                operation=openapi.STATUS,
                early=True,
            ),
            Route(method="GET", path="/auth/stats", handler=self.stats, operation=openapi.STATS),
            Route(
                method="GET",
                path="/auth/unauthorized",
                handler=self.unauthorized,
                operation=openapi.UNAUTHORIZED,
            ),
            Route(
                method="GET",
                path="/auth/forbidden",
                handler=self.forbidden,
                operation=openapi.FORBIDDEN,
            ),
        ]

    async def status(self, _request: web.Request) -> web.StreamResponse:
        """Answer, without a credential and without asking anybody."""
        return web.json_response({"status": "OK"})

    async def stats(self, request: web.Request) -> web.StreamResponse:
        """Say how many users, sessions and tokens there are, to whoever has an account."""
        await self._authenticator.authenticate(request, query(request), PROFILE)
        async with self._work.read() as db:
            counted = await store.counts(db, self._work.now())
        return web.json_response(asdict(counted))

    async def unauthorized(self, _request: web.Request) -> web.StreamResponse:
        """Refuse as one is refused who presents no credential."""
        raise InvalidCredential("no credential was presented", reason="missing")

    async def forbidden(self, _request: web.Request) -> web.StreamResponse:
        """Refuse as one is refused who is known and may not."""
        raise Forbidden("This is for nobody.")
