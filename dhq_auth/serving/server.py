"""All connections of a process: how many there may be, and how they end."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from dhq_auth.errors import AuthError, Unavailable
from dhq_auth.serving.protocol import Connection
from dhq_auth.serving.refusals import objection, problem
from dhq_auth.serving.repeats import Repeats
from dhq_auth.settings import Limits

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

BACKLOG: Final = 1024
"""Connections that the system holds until we accept them."""
SPARE: Final = 16
"""Connections beyond MAX_CONNECTIONS that are still told 503; more than these are cut."""
LAST_MOMENT: Final = 0.1
"""Seconds for a request to take note that it is cancelled."""

_log = logging.getLogger("dhq_auth.serving")


class Server(web.Server):
    """Makes the connections, and makes room for a new one by closing the longest idle."""

    def __init__(
        self, handler: Handler, *, request_factory: Callable[..., Any], limits: Limits
    ) -> None:
        super().__init__(_guarded(handler), request_factory=request_factory)
        self._limits = limits
        self._empty: asyncio.Future[None] | None = None
        self.retiring = False
        self.repeats = Repeats()
        self.waiting: dict[Connection, None] = {}
        """Connections that have nothing under way, the one that waits longest first."""

    def __call__(self) -> Connection:
        """Return the protocol of a new connection."""
        return Connection(self, loop=self._loop, limits=self._limits)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Take the connection in, in place of an idle one if need be; or turn it away."""
        super().connection_made(handler, transport)
        excess = len(self._connections) - self._limits.max_connections
        if excess <= 0:
            return
        if self.waiting:
            oldest = next(iter(self.waiting))
            del self.waiting[oldest]
            oldest.force_close()
        elif excess <= SPARE and isinstance(handler, Connection):
            handler.turn_away(Unavailable("All connections are in use.", retry_after=1))
        else:
            transport.abort()

    def left(self, connection: Connection, task: "asyncio.Task[Any] | None") -> None:
        """Note that *connection* is lost; *task* may still be at work for it."""
        self.waiting.pop(connection, None)
        if task is None:
            self._note_empty()
        else:
            task.add_done_callback(lambda _: self._note_empty())

    def _note_empty(self) -> None:
        if self._empty is not None and not self._connections and not self._empty.done():
            self._empty.set_result(None)

    def pre_shutdown(self) -> None:
        """Let every connection end: idle ones now, the others after their answer."""
        self.retiring = True
        for connection in list(self.connections):
            if isinstance(connection, Connection):
                connection.retire()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's
        """Wait *timeout* seconds for the requests under way, then cancel what is left."""
        if self._connections and timeout:
            self._empty = self._loop.create_future()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._empty
        if self._connections:
            _log.warning("%d requests were not finished in time", len(self._connections))
        await super().shutdown(LAST_MOMENT)


class Runner(web.AppRunner):
    """Runs an application behind a Server."""

    def __init__(self, app: web.Application, limits: Limits) -> None:
        super().__init__(app, shutdown_timeout=limits.shutdown_timeout)
        self._limits = limits
        self._listening: list[socket.socket] = []

    async def listen(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on *sockets*."""
        for sock in sockets:
            await web.SockSite(self, sock, backlog=BACKLOG).start()
            self._listening.append(sock)

    async def cleanup(self) -> None:
        """Close the door, finish what has come in by it, and let the application end."""
        # What the system has accepted for us would be reset when its socket closes.
        late = [connection for sock in self._listening for connection in _queued(sock)]
        self._listening.clear()
        for site in self.sites:
            await site.stop()
        if self.server is not None:
            loop = asyncio.get_running_loop()
            for connection in late:
                await loop.connect_accepted_socket(self.server, connection)
        await super().cleanup()

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return Server(
            plain.request_handler, request_factory=plain.request_factory, limits=self._limits
        )


def _queued(listening: socket.socket) -> Iterator[socket.socket]:
    with suppress(OSError):  # BlockingIOError: there are no more
        while True:
            yield listening.accept()[0]


def _guarded(handler: Handler) -> Handler:
    """Keep from *handler* what no application should see."""

    def answer(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        error = objection(request)
        return handler(request) if error is None else _refuse(error)

    return answer


async def _refuse(error: AuthError) -> web.StreamResponse:
    return problem(error)
