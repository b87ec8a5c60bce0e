"""A program that serves for as long as a block lasts."""

import asyncio
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

STARTING = 20.0
"""Seconds in which it must have started."""


@asynccontextmanager
async def daemon(
    command: Sequence[str | Path],
    *,
    log: Path,
    has_started: Callable[[], Awaitable[bool]],
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[None]:
    """Run *command*, which says into *log* what it says, once it *has_started*; then end it."""
    with log.open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            *command, env=environ, stdin=DEVNULL, stdout=DEVNULL, stderr=said
        )
    try:
        async with asyncio.timeout(STARTING):
            while not await has_started():
                assert process.returncode is None, _text(log)
                await asyncio.sleep(0.01)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def listens(port: int) -> bool:
    """Whether somebody takes connections at *port* of 127.0.0.1."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _text(log: Path) -> str:
    return log.read_text()
