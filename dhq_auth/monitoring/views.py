"""The routes for probes, and the API's description of itself."""

from aiohttp import web

from dhq_auth.monitoring import openapi
from dhq_auth.monitoring.readiness import Readiness
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.web.openapi import DOCUMENT
from dhq_auth.web.routing import Route
from dhq_auth.work import Work


class MonitoringViews:
    """Alive and ready are different questions."""

    def __init__(self, work: Work, keyring: Keyring) -> None:
        self._readiness = Readiness(work, keyring)

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(
                method="GET",
                path="/healthz",
                handler=self.healthz,
                operation=openapi.HEALTHZ,
                early=True,
            ),
            Route(method="GET", path="/readyz", handler=self.readyz, operation=openapi.READYZ),
            Route(
                method="GET",
                path="/openapi.json",
                handler=self.describe,
                operation=openapi.OPENAPI,
                early=True,
            ),
        ]

    async def healthz(self, _request: web.Request) -> web.StreamResponse:
        """Answer, without asking anybody: the process is alive."""
        return web.json_response({"status": "OK"})

    async def readyz(self, _request: web.Request) -> web.StreamResponse:
        """Answer that the database and the keys are there; 503 where they are not."""
        await self._readiness.demand()
        return web.json_response({"status": "OK"})

    async def describe(self, request: web.Request) -> web.StreamResponse:
        """Give the OpenAPI document."""
        response = web.json_response(request.app[DOCUMENT].content)
        response.headers["Cache-Control"] = "public, max-age=300"
        return response
