import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import uvloop
from aiohttp import web

from dhq_auth.serving.server import Runner, Server
from dhq_auth.serving.sockets import bind
from dhq_auth.settings import from_environ
from tests.serving.application import HELD, RELEASE, create
from tests.serving.wire import PATIENCE, Wire


def pytest_asyncio_loop_factories():
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Served:
    """An application behind our server, on a free port."""

    def __init__(self, app: web.Application, runner: Runner, stack: AsyncExitStack) -> None:
        self.app = app
        self.runner = runner
        self._stack = stack

    @property
    def port(self) -> int:
        port: int = self.runner.addresses[0][1]
        return port

    @property
    def server(self) -> Server:
        assert isinstance(self.runner.server, Server)
        return self.runner.server

    async def holds(self) -> None:
        """Wait until a request is being held back."""
        async with asyncio.timeout(PATIENCE):
            await self.app[HELD].wait()
        self.app[HELD].clear()

    def release(self) -> None:
        """Answer what is held back."""
        self.app[RELEASE].set()

    async def connect(self) -> Wire:
        return await self._stack.enter_async_context(await Wire.open(self.port))


@pytest.fixture
async def served() -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """Serve the application with limits of one's own: `await served(HEADER_TIMEOUT="0.2")`."""
    async with AsyncExitStack() as stack:

        async def start(**environ: str) -> Served:
            limits = from_environ({"SHUTDOWN_TIMEOUT": "1", **environ}).limits
            app = create()
            runner = Runner(app, limits)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await runner.listen(bind("127.0.0.1", 0))
            return Served(app, runner, stack)

        yield start
