"""A TCP proxy in front of a server, to cut its connections or to let them hang.

async with Proxy(5432) as proxy:
    await proxy.cut()       # connections are reset, new ones refused
    await proxy.mend()
    proxy.hang()            # connections are taken, but nothing comes through
    proxy.let_go()
"""

import asyncio
import contextlib
import ssl
from typing import Self

CHUNK = 1 << 16


class Proxy:
    """Forwards to *target*, a port of 127.0.0.1; its own port stays the same when it is mended.

    With *tls* it takes TLS, and forwards what is inside.
    """

    def __init__(self, target: int, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self._tls = tls
        self._target = target
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    async def mend(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse connections, and cut those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def hang(self) -> None:
        """Take connections, but let nothing through, in either direction."""
        self._flowing.clear()

    def let_go(self) -> None:
        """Let everything through again, what was held back first."""
        self._flowing.set()

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self.cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._forward(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            answers, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            ways = [self._pump(reader, upstream), self._pump(answers, writer)]
            async with asyncio.TaskGroup() as group:
                for way in ways:
                    group.create_task(way)
        except* (ConnectionError, _EndOfStreamError):
            pass
        finally:
            writer.transport.abort()
            if upstream is not None:
                upstream.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._flowing.wait()
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():  # TLS has no such half
            with contextlib.suppress(OSError):
                writer.write_eof()
        raise _EndOfStreamError


class _EndOfStreamError(Exception):
    """One side has said all it had to say: the other way ends with it."""
