"""A connection without a client library: bytes out, bytes in, all within a deadline."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from multidict import CIMultiDict

PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The fields of an RFC 9457 answer, which this must be."""
        assert self.headers["Content-Type"] == "application/problem+json"
        fields: dict[str, Any] = json.loads(self.body)
        assert fields["status"] == self.status
        return fields


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, to_head: bool = False) -> Answer:
        """Read one answer; those *to_head* have no body."""
        async with asyncio.timeout(PATIENCE):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = CIMultiDict(line.split(": ", 1) for line in lines)
            size = 0 if to_head else int(headers.get("Content-Length", 0))
            return Answer(int(first.split()[1]), headers, await self.reader.readexactly(size))

    async def ask(self, data: bytes) -> Answer:
        self.send(data)
        return await self.answer()

    async def rest(self) -> bytes:
        """Read to the end, which must come without a reset."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def gone(self) -> None:
        """Wait until the other side has closed, in whatever way."""
        with suppress(ConnectionError):
            assert not await self.rest()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()


def get(path: str = "/", *headers: str) -> bytes:
    lines = (f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1")


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body
