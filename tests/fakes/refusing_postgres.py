"""A PostgreSQL that answers each connection with one error, as a server does that is not ready.

async with RefusingPostgres("57P03", "the database system is starting up") as server:
    …  # at server.port
"""

import asyncio
from typing import Self

SSL_REQUEST = 8
"""Bytes of the question whether TLS is spoken here; it comes first."""


class RefusingPostgres:
    """Refuses by *sqlstate*, with *message*."""

    def __init__(self, sqlstate: str, message: str) -> None:
        self.port = 0
        fields = {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": message}
        body = b"".join(f"{name}{value}\0".encode() for name, value in fields.items()) + b"\0"
        self._error = b"E" + (4 + len(body)).to_bytes(4) + body
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._refuse, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_raised: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = int.from_bytes(await reader.readexactly(4))
            await reader.readexactly(size - 4)
            if size == SSL_REQUEST:
                writer.write(b"N")
                size = int.from_bytes(await reader.readexactly(4))
                await reader.readexactly(size - 4)
            writer.write(self._error)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it is gone, and needs no answer
        finally:
            writer.close()
