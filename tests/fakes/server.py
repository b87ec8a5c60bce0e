"""A real HTTP server on 127.0.0.1 that counts what it is asked and can be told to fail."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Self

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
"""How one endpoint fails: given the request and the honest handler, as an aiohttp middleware is."""

RELEASED: Final = web.AppKey("released", asyncio.Event)
"""Set when the server stops: whoever holds an answer back lets go of it then."""


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""The value of a member that is left out, where `None` is a JSON null."""

Changes = dict[str, object]
"""What replaces the truth, member by member; `ABSENT` removes one."""


def changed(truth: Mapping[str, object], changes: Changes) -> dict[str, object]:
    """Return *truth* with *changes* laid over it."""
    merged = {**truth, **changes}
    return {name: value for name, value in merged.items() if value is not ABSENT}


class LocalServer:
    """A server on a free port of 127.0.0.1; the port stays its own when it is started again.

    `asked` counts the requests by endpoint, `faults` names the endpoints that misbehave.
    """

    def __init__(self) -> None:
        self.port = 0
        self.asked: Counter[str] = Counter()
        self.faults: dict[str, Fault] = {}
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes; the `name` of each is its endpoint's."""
        raise NotImplementedError

    async def start(self) -> None:
        self._released = asyncio.Event()
        app = web.Application(middlewares=[self._answer])
        app[RELEASED] = self._released
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Refuse connections from now on, and end the answers that are held back."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self.stop()

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        endpoint = request.match_info.route.name or "unknown"
        self.asked[endpoint] += 1
        if (fault := self.faults.get(endpoint)) is not None:
            return await fault(request, handler)
        return await handler(request)
