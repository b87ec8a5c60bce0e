"""Argon2id (RFC 9106) in a bounded pool of threads: the event loop never waits for it."""

import asyncio
import os
import re
import secrets
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from dhq_auth import tracing
from dhq_auth.errors import Unavailable
from dhq_auth.passwords import imported
from dhq_auth.passwords.text import MAX_LENGTH, spellings

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
LANES: Final = 1
"""Argon2's parallelism. Each lane is a thread more, and the cores have others to serve."""
RETRY_AFTER: Final = 5
NICENESS: Final = 10
"""How far the threads of the pool stand back behind the one that answers (nice(1))."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one hash costs: passes over the memory, and the memory in KiB (RFC 9106 4)."""

    time: int = 3
    memory: int = 65536


class PasswordHasher:
    """Hashes and verifies passwords: as many at once as there are cores less one, at least one.

    Up to *queue* more may wait, where a thread finds them as soon as it is free. A job whose caller
    goes away while it waits is never computed. Raises ValueError for a cost that `verify` would
    refuse to pay.
    """

    def __init__(self, cost: Argon2Cost, *, queue: int) -> None:
        parameters = rf"$argon2id$v=19$m={cost.memory},t={cost.time},p={LANES}$"
        self._cost = cost
        self._current = re.compile(re.escape(parameters) + r"[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")
        # Of no password: what is random here is the result, so it matches with 2^-256.
        self._decoy = imported.check(f"{parameters}{_random(SALT_BYTES)}${_random(HASH_BYTES)}")
        self._threads = max(1, (os.cpu_count() or 1) - 1)
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False
        self._under_way = 0
        self.queue = queue
        self.done = self.refused = 0
        """What was done since the start: for metrics."""

    @property
    def running(self) -> int:
        """How many passwords are being hashed."""
        return min(self._under_way, self._threads)

    @property
    def waiting(self) -> int:
        """How many wait for that."""
        return self._under_way - self.running

    async def hash(self, password: str) -> str:
        """Return the Argon2id hash of *password*, which `rules.check` has let pass.

        Raises Unavailable when too many wait already, ValueError for what is no password.
        """
        candidates = spellings(password)
        if not candidates:
            raise ValueError(f"a password is text of at most {MAX_LENGTH} characters")
        return await self._run(partial(self._hash, candidates[0]))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether *stored* was made of *password*. Raises Unavailable as `hash` does.

        Where there is no hash, or none that can be used, it is False after the same time as for
        one of today's cost. What is no password is False at once, whosever hash it is.
        """
        candidates = spellings(password)
        if not candidates:
            return False
        known = stored is not None and imported.is_usable(stored)
        encoded = stored if stored is not None and known else self._decoy
        if not self.outdated(encoded):
            # We have normalized what we hashed; other systems have perhaps not.
            del candidates[1:]
        return await self._run(partial(imported.matches, encoded, candidates)) and known

    def outdated(self, stored: str) -> bool:
        """Whether *stored* has another cost than today's, or is of another kind altogether."""
        return not self._current.fullmatch(stored)

    def close(self) -> None:
        """End the threads, after the hashes that they are at."""
        self._closed = True
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def _hash(self, password: bytes) -> str:
        from argon2.low_level import Type, hash_secret  # noqa: PLC0415 - with the first password

        encoded = hash_secret(
            password,
            secrets.token_bytes(SALT_BYTES),
            time_cost=self._cost.time,
            memory_cost=self._cost.memory,
            parallelism=LANES,
            hash_len=HASH_BYTES,
            type=Type.ID,
        )
        return encoded.decode()

    async def _run(self, job: Callable[[], Result]) -> Result:
        """Return what *job* returns in a thread; it gets there only when one is free."""
        if self._under_way >= self._threads + self.queue:
            self.refused += 1
            raise Unavailable("too many passwords wait to be checked", retry_after=RETRY_AFTER)
        with tracing.span("password hash"):
            return await self._hashed(job)

    async def _hashed(self, job: Callable[[], Result]) -> Result:
        if self._closed:
            raise _cannot()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, "password", _step_back)
        refused = False

        def unless_refused() -> Result:
            if refused:
                raise asyncio.CancelledError
            return job()

        try:
            future = self._executor.submit(unless_refused)
        except RuntimeError as error:  # the system has no thread for us; but it stands in the queue
            refused = True
            raise _cannot() from error
        self._under_way += 1
        # The thread is free when the job is done, even if its caller has gone away meanwhile.
        future.add_done_callback(partial(self._release, asyncio.get_running_loop()))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if self._closed and not _is_told_to_go():  # it is the job that will not be done
                raise _cannot() from None
            raise

    def _release(self, loop: asyncio.AbstractEventLoop, future: Future[object]) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            loop.call_soon_threadsafe(self._note_end, not future.cancelled())

    def _note_end(self, done: bool) -> None:  # noqa: FBT001 - told by the loop
        self._under_way -= 1
        self.done += done


def _cannot() -> Unavailable:
    return Unavailable("passwords cannot be checked", retry_after=RETRY_AFTER)


def _is_told_to_go() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _random(size: int) -> str:
    return b64encode(secrets.token_bytes(size)).decode().rstrip("=")


def _step_back() -> None:
    """Let this thread wait where there is not a core for all: a hash takes its time anyhow."""
    if sys.platform == "linux":  # elsewhere niceness is that of the process
        thread = threading.get_native_id()
        with suppress(OSError):
            nicer = os.getpriority(os.PRIO_PROCESS, thread) + NICENESS
            os.setpriority(os.PRIO_PROCESS, thread, nicer)
