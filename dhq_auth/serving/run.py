"""One process that serves, from its start to the end of the last request."""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from aiohttp import web

from dhq_auth import tracing
from dhq_auth.errors import StartRefused
from dhq_auth.serving.lifeline import LISTENS, READY
from dhq_auth.serving.server import Runner
from dhq_auth.serving.sockets import (
    Greeting,
    allow_connections,
    announce,
    bind,
    greet,
    no_greeting,
)
from dhq_auth.settings import Settings, SettingsError
from dhq_auth.web.life import LIFE, Life

Factory = Callable[[Settings], web.Application]

OVERTIME: Final = 5.0
"""Seconds beyond SHUTDOWN_TIMEOUT after which a process that hangs is ended anyhow."""

_log = logging.getLogger("dhq_auth.serving")


def run(
    settings: Settings,
    factory: Factory,
    *,
    sockets: Sequence[socket.socket] | None = None,
    lifeline: socket.socket | None = None,
    greeting: Greeting = no_greeting,
) -> int:
    """Serve what *factory* makes until SIGTERM or SIGINT; return the exit code.

    Listens on *sockets*, or else takes those of HOST and PORT, before anything else is started, or
    raises ListenError. Over the *lifeline* we tell a supervisor that we listen, then that we are
    ready; when it breaks, he is gone, and so shall we be. Raises StartRefused where the start fails,
    also when that is found after we have waited for the database.
    """
    sockets = sockets or bind(settings.host, settings.port)
    _note_room(settings)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_Service(settings, factory, sockets, lifeline, greeting).serve())


def load(name: str) -> Factory:
    """Return the factory that `module:function` names."""
    module, _, function = name.partition(":")
    factory: Factory = getattr(import_module(module), function)
    return factory


class _Service:
    """The life of a process: start, serve, and one orderly end."""

    def __init__(
        self,
        settings: Settings,
        factory: Factory,
        sockets: Sequence[socket.socket],
        lifeline: socket.socket | None,
        greeting: Greeting,
    ) -> None:
        self._settings = settings
        self._factory = factory
        self._sockets = sockets
        self._lifeline = lifeline
        self._greeting = greeting
        self._told_to_stop = asyncio.Event()

    async def serve(self) -> int:
        """Serve until told to stop."""
        self._heed_signals()
        try:
            runner = Runner(self._factory(self._settings), self._settings.limits)
            try:
                if await self._started(runner):
                    await self._serve_on(runner.app.get(LIFE))
            finally:
                await runner.cleanup()
                tracing.close()
        except (SettingsError, StartRefused):
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the operator reads it in the log
            _log.exception("the service failed")
            return 1
        return 0

    async def _started(self, runner: Runner) -> bool:
        """Return whether *runner* listens; not if we are told to stop before it does."""
        setup = asyncio.ensure_future(runner.setup())
        stop = asyncio.ensure_future(self._told_to_stop.wait())
        await asyncio.wait({setup, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not setup.done():
            setup.cancel()
            await asyncio.gather(setup, return_exceptions=True)
            return False
        await setup
        await runner.listen(self._sockets)
        if self._lifeline is not None:
            self._lifeline.send(LISTENS)
        else:
            announce(self._sockets)
        return True

    async def _serve_on(self, life: Life | None) -> None:
        """Serve until told to stop; raise what *life* fails by before it is ready."""
        stop = asyncio.ensure_future(self._told_to_stop.wait())
        if life is not None and not life.ready.is_set():
            begun = asyncio.ensure_future(life.begun())
            await asyncio.wait({begun, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not begun.done():
                begun.cancel()
                return
            await begun
        if self._lifeline is not None:
            self._lifeline.send(READY)
        else:
            greet(self._greeting)
        await stop

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        if self._lifeline is not None:
            self._lifeline.setblocking(False)  # noqa: FBT003 - the socket's own interface
            loop.add_reader(self._lifeline, self._stop)

    def _stop(self) -> None:
        if self._told_to_stop.is_set():
            return
        self._told_to_stop.set()
        loop = asyncio.get_running_loop()
        if self._lifeline is not None:
            loop.remove_reader(self._lifeline)
        for number in (signal.SIGTERM, signal.SIGINT):
            # From here on by Python itself, so that it works even if the loop no longer turns.
            loop.remove_signal_handler(number)
            signal.signal(number, _leave)
        overtime = self._settings.limits.shutdown_timeout + OVERTIME
        watch = threading.Timer(overtime, _leave_late)
        watch.daemon = True
        watch.start()


def _leave(number: int, _frame: object) -> None:
    os._exit(128 + number)


def _leave_late() -> None:
    _log.error("something did not end in time; leaving without it")
    os._exit(1)


def _note_room(settings: Settings) -> None:
    wanted = settings.limits.max_connections
    if (room := allow_connections(wanted)) < wanted:
        _log.warning("the limit on open files leaves room for %d connections only", room)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - it is not there on every platform
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
