"""Calling what somebody else wrote: whatever it does, the caller goes on."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from dhq_auth.errors import Unavailable
from dhq_auth.plugins.call import WAITING, Caller, PluginFailed

CALLS = 3
SOON = 0.1
LONG = 20.0


class _OfItsOwn(BaseException):
    """What `except Exception` does not catch."""


@pytest.fixture
async def call() -> AsyncIterator[Caller]:
    """A caller with a deadline that nothing here reaches, however busy the machine."""
    caller = Caller(timeout=LONG, calls=CALLS)
    yield caller
    caller.close()


@pytest.fixture
def hasty(call: Caller) -> Caller:
    """A caller with a deadline that tests can wait for."""
    call.timeout = SOON
    return call


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """An event that does not come before the end of the test."""
    event = threading.Event()
    yield event
    event.set()


async def _ends(raised: BaseException) -> None:
    raise raised


def _ends_in_thread(raised: BaseException) -> None:
    raise raised


@pytest.mark.parametrize("function", [_ends, _ends_in_thread])
@pytest.mark.parametrize(
    "raised",
    [
        SystemExit(1),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError(),
        _OfItsOwn(),
        BaseExceptionGroup("several", [SystemExit(1)]),
        StopIteration(1),
        StopAsyncIteration(),
        MemoryError(),
        RecursionError(),
    ],
    ids=lambda raised: type(raised).__name__,
)
async def test_whatever_is_raised_is_an_exception_that_can_be_caught(
    raised: BaseException, function: Callable[[BaseException], Any], call: Caller
):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - that it is one is what is tested
        await call(partial(function, raised))
    assert isinstance(caught.value, Exception)
    assert await call(lambda: "alive") == "alive"


@pytest.mark.parametrize("kind", ["plain", "async", "plain that returns a coroutine", "object"])
async def test_what_is_answered_is_returned(kind: str, call: Caller):
    async def coroutine() -> int:
        return 7

    class Callable7:
        async def __call__(self) -> int:
            return 7

    functions: dict[str, Callable[[], Any]] = {
        "plain": lambda: 7,
        "async": coroutine,
        "plain that returns a coroutine": lambda: asyncio.wait_for(coroutine(), 1),
        "object": Callable7(),
    }
    assert await call(functions[kind]) == 7


async def test_a_plain_function_does_not_hold_up_the_event_loop(call: Caller):
    here = threading.get_ident()
    assert await call(threading.get_ident) != here


async def test_a_plain_function_sees_the_context_of_its_caller(call: Caller):
    request = ContextVar("request", default="none")
    request.set("this one")
    assert await call(request.get) == "this one"


async def test_idle_threads_are_used_again(call: Caller):
    threads = {await call(threading.get_ident) for _ in range(5)}
    assert len(threads) == 1


async def test_a_coroutine_that_never_ends_is_cancelled(hasty: Caller):
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        await hasty(hang)
    await asyncio.wait_for(ended.wait(), 1)


async def test_one_that_will_not_be_cancelled_is_left_behind(hasty: Caller):
    released = asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    with pytest.raises(TimeoutError):
        await hasty(stubborn)
    hasty.timeout = LONG
    assert await hasty(lambda: "alive") == "alive"
    released.set()


async def test_places_taken_by_threads_that_hang_fail_the_next_at_once(
    hasty: Caller, never: threading.Event
):
    hung = [hasty(never.wait) for _ in range(CALLS)]
    outcomes = await asyncio.gather(*hung, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TimeoutError] * CALLS
    hasty.timeout = 3600
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError, match="every call before this one still hangs"):
            await hasty(lambda: "never called")


async def test_another_plugin_is_not_kept_waiting(hasty: Caller, never: threading.Event):
    hung = [asyncio.create_task(hasty(never.wait)) for _ in range(CALLS + 2)]
    other = Caller(timeout=5, calls=1)
    assert await other(lambda: "alive") == "alive"
    other.close()
    await asyncio.gather(*hung, return_exceptions=True)


async def test_those_that_wait_for_a_place_do_not_pile_up(hasty: Caller, never: threading.Event):
    before = threading.active_count()
    outcomes = await asyncio.gather(*(hasty(never.wait) for _ in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TimeoutError, Unavailable}
    assert sum(type(outcome) is TimeoutError for outcome in outcomes) <= CALLS * (1 + WAITING)
    assert threading.active_count() - before <= CALLS
    assert hasty._threads._jobs.qsize() == 0


async def test_a_place_is_free_again_when_what_hung_has_ended(hasty: Caller):
    gate = threading.Event()
    outcomes = await asyncio.gather(
        *(hasty(gate.wait) for _ in range(CALLS)), return_exceptions=True
    )
    assert len(outcomes) == CALLS
    gate.set()
    hasty.timeout = LONG
    await asyncio.wait(hasty._overdue, timeout=5)
    assert await asyncio.gather(*(hasty(lambda: 7) for _ in range(CALLS * 2))) == [7] * CALLS * 2


async def test_a_caller_who_goes_away_gives_the_place_back(call: Caller):
    for _ in range(CALLS * 2):
        asked = asyncio.create_task(call(asyncio.Event().wait))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    assert await call(lambda: "alive") == "alive"


@pytest.mark.process
def test_a_thread_that_hangs_does_not_keep_the_process_from_ending():
    program = (
        "import asyncio, threading\n"
        "from dhq_auth.plugins.call import Caller\n"
        "async def main():\n"
        "    call = Caller(timeout=0.05, calls=2)\n"
        "    try: await call(threading.Event().wait)\n"
        "    except TimeoutError: print('late')\n"
        "    call.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "late\n", "")


async def test_what_would_end_the_loop_says_what_it_was(call: Caller):
    with pytest.raises(PluginFailed, match="SystemExit"):
        await call(partial(_ends, SystemExit(3)))
