"""Several workers on one port, kept running by a small parent that serves nothing itself.

The parent takes the sockets, one set per worker, all of the same port; the system spreads new
connections over them. It keeps its own hold on them while it runs, so that connections made while
a worker is being replaced wait for the new one instead of being refused.

Parent and worker hold the two ends of a socket pair, the *lifeline*. The worker writes to it when
it listens and when it is ready, the parent ends his side to have it stop, and either sees it break
when the other is gone, however it went. Settings are not handed over: a worker reads the
environment again.

The first worker is started alone, until it is ready: what ends it would end them all, and need be
said only once. While it waits for the database it listens, and tells callers so.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dhq_auth.metrics import shared
from dhq_auth.serving.lifeline import LISTENS, READY
from dhq_auth.serving.sockets import Greeting, announce, bind_for_workers, greet, no_greeting
from dhq_auth.settings import Settings

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger("dhq_auth.serving")


@dataclass(frozen=True, slots=True)
class Patience:
    """How workers that die are replaced."""

    starts: int = 5
    """Starts in a row that may end before they are ready, until we give up."""
    settled: float = 10.0
    """Seconds of life after which a death is the first again."""
    delay: float = 0.1
    """Seconds before the next start, doubled with each death in a row."""
    longest: float = 5.0

    def pause(self, deaths: int) -> float:
        """Return how long to wait after so many *deaths* in a row."""
        return min(self.delay * 2.0 ** (deaths - 1), self.longest) if deaths > 1 else 0.0


PATIENCE: Final = Patience()


def supervise(
    settings: Settings,
    environ: Mapping[str, str],
    application: str,
    patience: Patience = PATIENCE,
    greeting: Greeting = no_greeting,
) -> int:
    """Run WORKERS processes that serve *application* until told to stop; return the exit code."""
    sockets = bind_for_workers(settings.host, settings.port, settings.workers)
    # The path as it is here: a worker must find the same modules as we would.
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109
    numbers = shared.new_folder()
    if numbers is None:
        _log.warning("no folder for temporary files: each worker tells its own metrics alone")
    supervisor = Supervisor(
        sockets, {**environ, "PYTHONPATH": path}, application, patience, greeting, numbers=numbers
    )
    try:
        return asyncio.run(supervisor.run())
    finally:
        if numbers is not None:
            shared.remove(numbers)


class Supervisor:
    """Starts the workers, replaces those that die, and ends them together."""

    def __init__(
        self,
        sockets: Sequence[Sequence[socket.socket]],
        environ: Mapping[str, str],
        application: str,
        patience: Patience,
        greeting: Greeting,
        *,
        numbers: Path | None,
    ) -> None:
        self._sockets = sockets
        self._numbers = numbers
        self._environ = environ
        self._application = application
        self._patience = patience
        self._greeting = greeting
        self._workers: set[Worker] = set()
        self._stopping = asyncio.Event()
        self._begun = asyncio.Event()
        self._code = 0

    async def run(self) -> int:
        """Keep the workers running until told to stop; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)
        first = await self._start(0)
        if not await first.said(LISTENS):
            code = await first.ended()
            return 0 if self._stopping.is_set() else max(code, 1)
        if not self._stopping.is_set():
            announce(self._sockets[0])
        others = range(1, len(self._sockets))
        await asyncio.gather(self._keep(0, first), *map(self._keep_later, others))
        return self._code

    async def _keep_later(self, slot: int) -> None:
        await self._begun.wait()
        await self._keep(slot, None)

    async def _keep(self, slot: int, worker: "Worker | None") -> None:
        """Have a worker in *slot*, at first *worker*, until we are told to stop."""
        deaths = failures = 0
        while worker or not self._stopping.is_set():
            worker = worker or await self._start(slot)
            if ready := await worker.said(READY):
                self._note_ready()
            code = await worker.ended()
            self._workers.discard(worker)
            if self._numbers is not None:
                shared.forget(self._numbers, str(slot))
            if self._stopping.is_set():
                return self._note_end(code)
            deaths = 1 if worker.age > self._patience.settled else deaths + 1
            failures = 0 if ready else failures + 1
            if code > 0 and not self._begun.is_set():  # it has said why
                self._code = code
                return self._stop()
            if failures >= self._patience.starts:
                _log.error(
                    "worker %d ended (%s), as did others; giving up", worker.pid, _reason(code)
                )
                self._code = 1
                return self._stop()
            _log.error("worker %d ended (%s); it is started again", worker.pid, _reason(code))
            worker = None
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience.pause(deaths)):
                    await self._stopping.wait()
        return None

    def _note_ready(self) -> None:
        if not self._begun.is_set():
            self._begun.set()
            greet(self._greeting)

    async def _start(self, slot: int) -> "Worker":
        worker = await Worker.start(
            self._sockets[slot],
            self._environ,
            (self._application, str(self._numbers or ""), str(slot)),
        )
        self._workers.add(worker)
        if self._stopping.is_set():
            worker.stop()
        return worker

    def _signalled(self, number: signal.Signals) -> None:
        if not self._stopping.is_set():
            return self._stop()
        for worker in self._workers:
            worker.kill()
        if self._numbers is not None:
            shared.remove(self._numbers)
        os._exit(128 + number)

    def _stop(self) -> None:
        self._stopping.set()
        self._begun.set()
        for sock in (sock for sockets in self._sockets for sock in sockets):
            sock.close()
        for worker in self._workers:
            worker.stop()

    def _note_end(self, code: int) -> None:
        if code not in (0, -signal.SIGTERM):
            self._code = 1


class Worker:
    """A process that serves."""

    def __init__(self, process: Process, lifeline: socket.socket) -> None:
        self._process = process
        self._lifeline = lifeline
        self._born = asyncio.get_running_loop().time()
        self._said = b""
        self._silent = False
        self.pid = process.pid

    @classmethod
    async def start(
        cls, sockets: Sequence[socket.socket], environ: Mapping[str, str], told: Sequence[str]
    ) -> "Worker":
        """Start a worker on *sockets*, which is *told* what stands before them."""
        lifeline, its_end = socket.socketpair()
        lifeline.setblocking(False)  # noqa: FBT003 - the socket's own interface
        with its_end:
            files = [sock.fileno() for sock in (its_end, *sockets)]
            # A process group of its own: Ctrl-C reaches the parent alone, which passes it on.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "dhq_auth.serving.worker", *told),
                *map(str, files),
                env=environ,
                stdin=DEVNULL,
                pass_fds=files,
                process_group=0,
            )
        return cls(process, lifeline)

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return asyncio.get_running_loop().time() - self._born

    async def said(self, what: bytes) -> bool:
        """Wait until it has said *what*; return False if it ends before."""
        while what not in self._said and not self._silent:
            try:
                heard = await asyncio.get_running_loop().sock_recv(self._lifeline, 1)
            except ConnectionError:
                heard = b""
            self._said += heard
            self._silent = not heard
        return what in self._said

    async def ended(self) -> int:
        """Wait for its end; return the exit code."""
        code = await self._process.wait()
        self._lifeline.close()
        return code

    def stop(self) -> None:
        """Have it finish what it has begun, and end.

        Not by a signal: an init system may send one to all of us, and two mean "at once".
        """
        with suppress(OSError):
            self._lifeline.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()


def _reason(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
