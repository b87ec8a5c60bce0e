"""Passwords are hashed at a cost, off the event loop, so many at a time and no more."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import bcrypt
import pytest

from dhq_auth.errors import Unavailable
from dhq_auth.passwords.hashing import NICENESS, Argon2Cost, PasswordHasher
from tests.passwords.conftest import CHEAP

PASSWORD = "correct horse battery stäple"
DEARER = Argon2Cost(time=2, memory=16)
NFD = unicodedata.normalize("NFD", PASSWORD)


@contextmanager
def held(hasher: PasswordHasher) -> Iterator[list[asyncio.Task[bool]]]:
    """Keep every thread of *hasher* at work until the end of the block."""
    end = threading.Event()
    yield [asyncio.create_task(hasher._run(end.wait)) for _ in range(hasher._threads)]
    end.set()


@contextmanager
def no_thread_can_start() -> Iterator[None]:
    """Let each thread that starts want a stack for which the system has no room."""
    before = threading.stack_size(2**48)
    try:
        yield
    finally:
        threading.stack_size(before)


async def turn() -> None:
    """Let every task go on as far as it can without waiting."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_password_verifies_and_another_does_not(hasher: PasswordHasher) -> None:
    stored = await hasher.hash(PASSWORD)
    assert await hasher.verify(PASSWORD, stored)
    for other in ("", PASSWORD[:-1], f"{PASSWORD} ", PASSWORD.upper(), f"{PASSWORD}\0"):
        assert not await hasher.verify(other, stored)


@pytest.mark.slow
async def test_the_hash_is_argon2id_of_one_lane_with_a_salt_of_its_own() -> None:
    hasher = PasswordHasher(Argon2Cost(), queue=0)
    stored = await hasher.hash(PASSWORD)
    hasher.close()
    assert re.fullmatch(
        r"\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", stored
    )
    assert not hasher.outdated(stored)


async def test_two_hashes_of_one_password_have_nothing_in_common(hasher: PasswordHasher) -> None:
    one, other = await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)
    assert not set(one.split("$")[4:]) & set(other.split("$")[4:])


async def test_nothing_of_a_long_password_is_cut_off(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("x" * 1024)
    assert await hasher.verify("x" * 1024, stored)
    assert not await hasher.verify("x" * 1023 + "y", stored)


async def test_a_password_counts_in_whichever_form_a_keyboard_sends_it(
    hasher: PasswordHasher,
) -> None:
    for typed, stored in (
        (NFD, await hasher.hash(PASSWORD)),
        (PASSWORD, await hasher.hash(NFD)),
    ):
        assert await hasher.verify(typed, stored)


async def test_compatible_characters_stay_different(hasher: PasswordHasher) -> None:
    """NFC, not NFKC: what is typed is what counts (SP 800-63B-4 allows either)."""
    assert not await hasher.verify("ﬁve ﬁne ﬁshes", await hasher.hash("five fine fishes"))


async def test_a_hash_of_another_system_may_be_of_what_was_typed(hasher: PasswordHasher) -> None:
    foreign = bcrypt.hashpw(NFD.encode(), bcrypt.gensalt(4)).decode()
    assert await hasher.verify(NFD, foreign)
    assert not await hasher.verify(PASSWORD, foreign)


@pytest.mark.parametrize(
    "no_password", ["x" * 1025, "\u0958" * 600, "x\ud800", "\u0301\u0327" * 30_000]
)
async def test_what_is_no_password_is_never_hashed(
    hasher: PasswordHasher, no_password: str
) -> None:
    """Too long, too long when normalized, no text; normalizing the last would take seconds."""
    with held(hasher):  # a hash would wait until the end
        for stored in (None, "nonsense", hasher._decoy):
            assert await hasher.verify(no_password, stored) is False
        with pytest.raises(ValueError, match="text of at most 1024 characters"):
            await hasher.hash(no_password)


async def test_a_long_password_in_pieces_is_as_long_as_it_looks(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("ä" * 1024)
    assert await hasher.verify("a\u0308" * 1024, stored)


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$"])
async def test_nobody_has_a_password_where_no_hash_is(
    hasher: PasswordHasher, stored: str | None
) -> None:
    assert await hasher.verify(PASSWORD, stored) is False
    assert await hasher.verify("", stored) is False


@pytest.mark.slow
async def test_who_is_unknown_takes_as_long_as_who_is_known() -> None:
    hasher = PasswordHasher(Argon2Cost(time=1, memory=16384), queue=0)
    stored = await hasher.hash(PASSWORD)

    async def least(stored: str | None) -> float:
        spent = []
        for _ in range(5):
            began = time.process_time()  # of all threads: it does not matter who else is busy
            await hasher.verify("another one", stored)
            spent.append(time.process_time() - began)
        return min(spent)

    known = await least(stored)
    for nothing in (None, "nonsense", "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdA$c2FsdA"):
        assert 0.4 < await least(nothing) / known < 2.5
    hasher.close()


async def test_the_decoys_of_two_processes_differ_and_cost_as_much_as_a_hash() -> None:
    decoys = {PasswordHasher(DEARER, queue=0)._decoy for _ in range(2)}
    assert len(decoys) == 2
    assert not any(map(PasswordHasher(DEARER, queue=0).outdated, decoys))


async def test_a_hash_of_less_cost_verifies_and_is_outdated(hasher: PasswordHasher) -> None:
    dearer = PasswordHasher(DEARER, queue=0)
    for ours, theirs in ((hasher, dearer), (dearer, hasher)):
        stored = await theirs.hash(PASSWORD)
        assert await ours.verify(PASSWORD, stored)
        assert (ours.outdated(stored), theirs.outdated(stored)) == (True, False)
    dearer.close()


@pytest.mark.parametrize("cost", [Argon2Cost(1, 7), Argon2Cost(0, 8), Argon2Cost(1, 2**20)])
def test_a_cost_that_could_not_be_verified_is_refused_at_once(cost: Argon2Cost) -> None:
    with pytest.raises(ValueError, match=r"m is accepted from|expected"):
        PasswordHasher(cost, queue=1)


@pytest.mark.slow
async def test_the_event_loop_goes_on_meanwhile() -> None:
    hasher = PasswordHasher(Argon2Cost(time=2, memory=65536), queue=0)
    task = asyncio.create_task(hasher.hash(PASSWORD))
    ticks = 0
    while not task.done():
        await asyncio.sleep(0.001)
        ticks += 1
    hasher.close()
    assert ticks > 20


async def test_so_many_wait_and_the_one_too_many_is_told_to_come_back() -> None:
    hasher = PasswordHasher(CHEAP, queue=3)
    fit = hasher._threads + 3
    outcomes = await asyncio.gather(
        *(hasher.verify(PASSWORD, None) for _ in range(fit + 4)), return_exceptions=True
    )
    assert outcomes[:fit] == [False] * fit
    for refused in outcomes[fit:]:
        assert isinstance(refused, Unavailable)
        assert refused.headers == {"Retry-After": "5"}
    assert await hasher.verify(PASSWORD, None) is False
    hasher.close()


async def test_without_a_queue_there_is_as_much_as_there_are_threads() -> None:
    hasher = PasswordHasher(CHEAP, queue=0)
    with held(hasher):
        await turn()
        with pytest.raises(Unavailable):
            await hasher.hash(PASSWORD)
    hasher.close()


async def test_who_goes_away_while_waiting_costs_no_hash_and_leaves_the_place() -> None:
    hasher = PasswordHasher(CHEAP, queue=2)
    done: list[str] = []
    with held(hasher):
        await turn()
        gone = [asyncio.create_task(hasher._run(partial(done.append, "gone"))) for _ in range(2)]
        await turn()
        with pytest.raises(Unavailable):
            await hasher._run(partial(done.append, "too many"))
        for task in gone:
            task.cancel()
        await turn()
        stays = asyncio.create_task(hasher._run(partial(done.append, "stays")))
        await turn()
        assert not stays.done()
    await stays
    hasher.close()
    assert done == ["stays"]


async def test_who_goes_away_meanwhile_keeps_the_thread_until_it_is_free() -> None:
    hasher = PasswordHasher(CHEAP, queue=1)
    with held(hasher) as running:
        await turn()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        next_one = asyncio.create_task(hasher.verify(PASSWORD, None))
        await turn()
        with pytest.raises(Unavailable):
            await hasher.verify(PASSWORD, None)
    assert await next_one is False
    hasher.close()


async def test_a_job_that_fails_takes_no_thread_with_it(hasher: PasswordHasher) -> None:
    def fail() -> None:
        raise MemoryError

    for _ in range(hasher._threads * 3):
        with pytest.raises(MemoryError):
            await hasher._run(fail)
    assert await hasher.verify(PASSWORD, None) is False


async def test_what_is_closed_is_unavailable_and_has_no_threads(hasher: PasswordHasher) -> None:
    before = threading.active_count()
    await hasher.hash(PASSWORD)
    assert threading.active_count() == before + 1
    hasher.close()
    assert threading.active_count() == before
    for _ in range(hasher._threads * 3):
        with pytest.raises(Unavailable):
            await hasher.hash(PASSWORD)


async def test_who_waits_when_it_is_closed_is_told_so_and_not_left_alone() -> None:
    hasher = PasswordHasher(CHEAP, queue=2)
    end = threading.Event()
    running = [asyncio.create_task(hasher._run(end.wait)) for _ in range(hasher._threads)]
    waiting = asyncio.create_task(hasher.verify(PASSWORD, None))
    leaving = asyncio.create_task(hasher.verify(PASSWORD, None))
    await turn()
    assert (hasher.running, hasher.waiting) == (hasher._threads, 2)
    leaving.cancel()
    threading.Timer(0.01, end.set).start()
    hasher.close()
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await asyncio.gather(*running) == [True] * hasher._threads
    await turn()
    assert (hasher.running, hasher.waiting, hasher.done) == (0, 0, hasher._threads)


async def test_what_found_no_thread_is_refused_and_not_hashed_later(
    hasher: PasswordHasher,
) -> None:
    hashed: list[str] = []
    with no_thread_can_start(), pytest.raises(Unavailable):
        await hasher._run(lambda: hashed.append("refused"))
    assert (hasher.running, hasher.waiting) == (0, 0)
    await hasher._run(lambda: hashed.append("next"))
    assert hashed == ["next"]


async def test_what_is_closed_before_its_first_password_stays_so() -> None:
    hasher = PasswordHasher(CHEAP, queue=1)
    hasher.close()
    before = threading.active_count()
    with pytest.raises(Unavailable):
        await hasher.hash(PASSWORD)
    assert threading.active_count() == before


def test_a_loop_that_ends_meanwhile_leaves_nothing_undone() -> None:
    """A process that is told to end does not wait for an answer that nobody wants."""
    hasher = PasswordHasher(CHEAP, queue=1)
    end = threading.Event()

    async def leave() -> None:
        task = asyncio.create_task(hasher._run(end.wait))
        await turn()
        task.cancel()

    asyncio.run(leave())
    end.set()
    hasher.close()


def test_until_the_first_password_nothing_is_loaded_and_no_thread_runs() -> None:
    program = (
        "import sys, threading, dhq_auth.passwords.rules\n"
        "from dhq_auth.passwords.hashing import NICENESS, Argon2Cost, PasswordHasher\n"
        "PasswordHasher(Argon2Cost(), queue=1)\n"
        "print({'argon2', 'bcrypt', '_cffi_backend'} & set(sys.modules), threading.active_count())"
    )
    told = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout == "set() 1\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere niceness is that of the process")
async def test_the_threads_that_hash_stand_back_behind_the_one_that_answers(
    hasher: PasswordHasher,
) -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    there = await hasher._run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert there == min(19, before + NICENESS)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
