"""Calls that take their time, made once for all who need the answer, threads and loops alike."""

import asyncio
import logging
import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from time import monotonic
from typing import Final, Generic, TypeVar

from dhq_auth.sdk.remote import DEADLINE, Unavailable

log = logging.getLogger(__name__)

Value = TypeVar("Value")
MAX_WAITING: Final = 500
"""Calls that wait for a thread at most."""


class Flights(Generic[Value]):
    """Makes calls in at most *threads* threads, for each key one at a time.

    A flight, once it has landed, holds what came of it: the value, or Unavailable.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = Lock()
        self._process = 0
        self._under_way: dict[Hashable, Future[Value | Unavailable]] = {}
        self._executor: ThreadPoolExecutor | None = None

    def join(self, key: Hashable, call: Callable[[], Value]) -> Future[Value | Unavailable]:
        """Return the flight for *key* that is under way, else begin it with *call*.

        Raises Unavailable if too many are waiting already.
        """
        with self._lock:
            executor = self._own_executor()
            if (flight := self._under_way.get(key)) is not None:
                return flight
            if len(self._under_way) >= MAX_WAITING:
                raise Unavailable("too many calls to the auth service are waiting")
            flight = self._under_way[key] = Future()
            flight.set_running_or_notify_cancel()  # who waits for it can no more cancel it
            executor.submit(self._fly, key, flight, call, monotonic() + DEADLINE)
            return flight

    def _own_executor(self) -> ThreadPoolExecutor:
        """Return our threads; those of a process that was forked stayed behind."""
        if self._executor is None or self._process != os.getpid():
            self._executor = ThreadPoolExecutor(self._threads, "dhq-auth-sdk")
            self._process, self._under_way = os.getpid(), {}
        return self._executor

    def _fly(
        self,
        key: Hashable,
        flight: Future[Value | Unavailable],
        call: Callable[[], Value],
        until: float,
    ) -> None:
        outcome: Value | Unavailable
        try:
            if monotonic() > until:  # those who wanted it have gone
                raise Unavailable("the auth service is too slow")
            outcome = call()
        except Unavailable as error:
            outcome = error
        except Exception as error:  # a fault of ours must not leave them waiting
            log.exception("a call to the auth service failed")
            outcome = Unavailable(type(error).__name__)
        with self._lock:
            self._under_way.pop(key, None)
        flight.set_result(outcome)


def landed(flight: Future[Value], seconds: float) -> bool:
    """Wait for *flight* to land, at most so many *seconds*; return whether it has."""
    return bool(wait((flight,), max(seconds, 0)).done)


async def landed_async(flight: Future[Value], seconds: float) -> bool:
    """Wait as `landed` does, without blocking the loop."""
    waiting = asyncio.wrap_future(flight)
    try:
        done, _ = await asyncio.wait((waiting,), timeout=max(seconds, 0))
    finally:
        waiting.cancel()
    return bool(done)
