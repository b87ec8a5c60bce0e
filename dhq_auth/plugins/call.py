"""Calling the functions of a plugin, whatever they do: nobody else waits for one that hangs."""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

from dhq_auth.errors import Unavailable

WAITING: Final = 4
"""How many may wait for each call in flight."""

_Job = tuple[asyncio.Future[Any], Context, Callable[[], Any]]


class PluginFailed(Exception):
    """A plugin raised what would have ended more than itself, such as SystemExit."""


class Caller:
    """Calls the functions of one plugin: coroutines here, plain functions in threads of its own.

    At most *calls* run at a time, and each has *timeout* seconds, the wait for its turn included.
    A coroutine is then cancelled; a thread cannot be, and holds its place until it ends. Once all
    places are held by such, or WAITING wait for each of them, further calls fail at once.
    """

    def __init__(self, timeout: float, calls: int) -> None:
        self.timeout = timeout
        self._calls = calls
        self._slots = asyncio.Semaphore(calls)
        self._waiting = 0
        self._overdue: set[asyncio.Future[Any]] = set()
        self._threads = _Threads()

    async def __call__(self, function: Callable[[], Any]) -> Any:
        """Return what *function* answers.

        Raises TimeoutError, Unavailable where too many wait already, PluginFailed, or the Exception
        that the function raised.
        """
        if len(self._overdue) >= self._calls:
            raise TimeoutError("every call before this one still hangs")
        if self._waiting >= self._calls * WAITING:
            raise Unavailable("Too many wait for this already.")
        end = asyncio.get_running_loop().time() + self.timeout
        if self._slots.locked():
            await self._turn(end)
        else:
            await self._slots.acquire()
        try:
            work = self._begun(function)
        except BaseException:  # whatever kept it from beginning, its place is free again
            self._slots.release()
            raise
        work.add_done_callback(self._over)
        result = await self._outcome(work, end)
        if inspect.isawaitable(result):  # a plain function that returned a coroutine
            rest = asyncio.ensure_future(_contained(result))
            rest.add_done_callback(self._seen)
            result = await self._outcome(rest, end)
        return result

    def close(self) -> None:
        """Let go of the threads; one that hangs is left behind, and dies with the process."""
        self._threads.close()

    async def _turn(self, end: float) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout_at(end):
                await self._slots.acquire()
        finally:
            self._waiting -= 1

    def _over(self, work: asyncio.Future[Any]) -> None:
        self._slots.release()
        self._seen(work)

    def _seen(self, work: asyncio.Future[Any]) -> None:
        self._overdue.discard(work)
        if not work.cancelled():
            work.exception()  # looked at: nobody may be waiting for it any more

    def _begun(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        if inspect.iscoroutinefunction(function):
            return asyncio.ensure_future(_contained(function()))
        return self._threads.run(function)

    async def _outcome(self, work: asyncio.Future[Any], end: float) -> Any:
        try:
            await asyncio.sleep(0)
            if not work.done():  # it has had its turn, and waits for something
                left = end - asyncio.get_running_loop().time()
                await asyncio.wait({work}, timeout=max(0, left))
        finally:
            if not work.done():
                self._overdue.add(work)
                if isinstance(work, asyncio.Task):
                    work.cancel()
        if not work.done():
            raise TimeoutError("no answer in time")
        if work.cancelled():
            raise PluginFailed("CancelledError")
        if error := work.exception():
            raise _bearable(error)
        return work.result()


class _Threads:
    """Threads that keep nobody waiting: not the process at its end either, so they are daemons.

    Only the event loop's thread counts, so there is nothing to lock.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._running = 0
        self._idle = 0

    def run(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """Run *function* in a thread, a new one if none is idle, with the caller's context."""
        if self._idle:
            self._idle -= 1
        else:
            loop = asyncio.get_running_loop()
            Thread(target=self._work, args=[loop], name="plugin", daemon=True).start()
            self._running += 1
        future = asyncio.get_running_loop().create_future()
        self._jobs.put((future, copy_context(), function))
        return future

    def close(self) -> None:
        """End the threads, each as soon as it has nothing to do."""
        for _ in range(self._running):
            self._jobs.put(None)
        self._running = self._idle = 0

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while (job := self._jobs.get()) is not None:
            future, context, function = job
            result, error = None, None
            try:
                result = context.run(function)
            except BaseException as raised:  # noqa: BLE001 - a plugin's thread outlives them all
                error = _bearable(raised)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._finished, future, result, error)
            del job, future, context, function, result, error

    def _finished(self, future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
        self._idle += 1
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


async def _contained(awaitable: Awaitable[Any]) -> Any:
    """Await *awaitable*; what would end the event loop comes out as PluginFailed."""
    try:
        return await awaitable
    except (SystemExit, KeyboardInterrupt) as error:
        raise PluginFailed(type(error).__name__) from error


def _bearable(error: BaseException) -> Exception:
    """Return *error* if a future can hold it and a caller catch it, else PluginFailed."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    failed = PluginFailed(type(error).__name__)
    failed.__cause__ = error
    return failed
