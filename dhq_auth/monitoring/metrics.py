"""`/metrics`, for Prometheus."""

import asyncio
from ipaddress import ip_address
from typing import Final

from aiohttp import web

from dhq_auth.errors import Forbidden
from dhq_auth.metrics import Metrics
from dhq_auth.monitoring import openapi
from dhq_auth.settings import Settings
from dhq_auth.web.client import CLIENT_ADDRESS
from dhq_auth.web.routing import Route

FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"


class MetricsViews:
    """The numbers of the service, for those who may see them. No database is asked."""

    def __init__(self, metrics: Metrics, settings: Settings) -> None:
        self._metrics = metrics
        self._allowed = settings.metrics_from
        self._under_way: asyncio.Task[bytes] | None = None

    def routes(self) -> list[Route]:
        """Return the route of this feature."""
        return [
            Route(
                method="GET",
                path="/metrics",
                handler=self.metrics,
                operation=openapi.METRICS,
                early=True,
            )
        ]

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Give the numbers as they are now; who comes while they are gathered gets the same."""
        self._check(request[CLIENT_ADDRESS])
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._gather())
        text = await asyncio.shield(self._under_way)
        return web.Response(body=text, headers={"Content-Type": FORMAT})

    async def _gather(self) -> bytes:
        self._metrics.read()
        # In a thread: with many series it takes milliseconds, for which nobody else should wait.
        return await asyncio.to_thread(self._metrics.exposition)

    def _check(self, address: str) -> None:
        """Refuse who is not of METRICS_FROM; an address that cannot be read is of no network."""
        if self._allowed is None:
            return
        try:
            caller = ip_address(address)
        except ValueError:
            raise Forbidden("METRICS_FROM does not allow for this address.") from None
        if not any(caller in network for network in self._allowed):
            raise Forbidden("METRICS_FROM does not allow for this address.")
