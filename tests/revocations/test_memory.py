"""What is remembered is forgotten in time, also where it was read while it ended."""

from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from dhq_auth.errors import Unavailable
from dhq_auth.events import KeyRevoked, LoginRefused
from dhq_auth.revocations.memory import FORGOTTEN, TRUSTED, Memory, Shelf

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
ADA, BOB = ("user", "ada"), ("user", "bob")


@pytest.fixture
def memory() -> Memory:
    """A memory that counts."""
    memory = Memory()
    memory.vouch(monotonic() + 3600)
    return memory


@pytest.fixture
def shelf(memory: Memory) -> Shelf[str]:
    shelf = Shelf[str](memory, 3)
    shelf.put("key", "ada's", since=NOW, until=LATER, tags=(ADA, ("sid", "s")), mark=memory.mark())
    return shelf


def test_what_is_remembered_is_there_until_its_time_is_over(shelf: Shelf[str]) -> None:
    assert shelf.get("key", NOW) == "ada's"
    assert shelf.get("another", NOW) is None
    assert shelf.get("key", LATER) is None
    assert len(shelf) == 0


def test_nor_does_it_count_before_it_was_known(shelf: Shelf[str]) -> None:
    assert shelf.get("key", NOW - timedelta(seconds=1)) is None


@pytest.mark.parametrize("tag", [ADA, ("sid", "s")])
def test_whatever_it_depends_on_ends_it(
    memory: Memory, shelf: Shelf[str], tag: tuple[str, str]
) -> None:
    shelf.put("of bob", "bob's", since=NOW, until=LATER, tags=(BOB,), mark=memory.mark())
    memory.forget([tag])
    assert shelf.get("key", NOW) is None
    assert shelf.get("of bob", NOW) == "bob's"


def test_what_ended_while_it_was_read_is_not_remembered(memory: Memory, shelf: Shelf[str]) -> None:
    mark = memory.mark()
    memory.forget([ADA])
    shelf.put("key", "as it was", since=NOW, until=LATER, tags=(ADA,), mark=mark)
    shelf.put("of bob", "bob's", since=NOW, until=LATER, tags=(BOB,), mark=mark)
    assert shelf.get("key", NOW) is None
    assert shelf.get("of bob", NOW) == "bob's"
    shelf.put("key", "as it is", since=NOW, until=LATER, tags=(ADA,), mark=memory.mark())
    assert shelf.get("key", NOW) == "as it is"


def test_so_it_is_when_so_much_ended_that_nobody_knows_what(
    memory: Memory, shelf: Shelf[str]
) -> None:
    mark = memory.mark()
    memory.forget([ADA])
    memory.forget(("user", str(number)) for number in range(FORGOTTEN))
    shelf.put("key", "as it was", since=NOW, until=LATER, tags=(ADA,), mark=mark)
    assert shelf.get("key", NOW) is None


def test_everything_may_be_forgotten(memory: Memory, shelf: Shelf[str]) -> None:
    mark = memory.mark()
    memory.forget_everything()
    shelf.put("of bob", "bob's", since=NOW, until=LATER, tags=(BOB,), mark=mark)
    assert len(shelf) == 0


def test_an_event_ends_what_is_remembered_of_its_user_and_a_key_all(
    memory: Memory, shelf: Shelf[str]
) -> None:
    shelf.put("of bob", "bob's", since=NOW, until=LATER, tags=(BOB,), mark=memory.mark())
    memory.hear([LoginRefused(user_id=None, provider="password", reason="x")])
    memory.hear([LoginRefused(user_id="ada", provider="password", reason="x")])
    assert shelf.get("key", NOW) is None
    assert shelf.get("of bob", NOW) == "bob's"
    memory.hear([KeyRevoked(user_id=None, key_id="k", purpose="login", successor=None)])
    assert shelf.get("of bob", NOW) is None


def test_nothing_counts_that_no_look_has_vouched_for_lately() -> None:
    memory = Memory()
    shelf = Shelf[str](memory, 3)
    shelf.put("key", "ada's", since=NOW, until=LATER, tags=(ADA,), mark=memory.mark())
    assert shelf.get("key", NOW) is None
    memory.vouch(monotonic() - TRUSTED - 0.01)
    assert shelf.get("key", NOW) is None
    memory.vouch(monotonic() + 3600)
    assert shelf.get("key", NOW) == "ada's"


async def test_a_look_that_fails_is_no_fault_of_who_asks_but_makes_nothing_count() -> None:
    """A disk may be full, so that nothing can be sealed, and be read all the same."""
    memory = Memory()

    async def fail() -> None:
        raise Unavailable("the disk is full")

    memory.look_by(fail)
    await memory.refresh()
    assert not memory.counts


def test_what_was_not_used_for_longest_makes_room(memory: Memory, shelf: Shelf[str]) -> None:
    for name in ("b", "c"):
        shelf.put(name, name, since=NOW, until=LATER, tags=(BOB,), mark=memory.mark())
    assert shelf.get("key", NOW)
    shelf.put("d", "d", since=NOW, until=LATER, tags=(BOB,), mark=memory.mark())
    assert len(shelf) == 3
    assert shelf.get("b", NOW) is None
    assert shelf.get("key", NOW) == "ada's"


def test_nothing_stays_of_what_is_gone(memory: Memory, shelf: Shelf[str]) -> None:
    for number in range(10):
        shelf.put(
            number, "x", since=NOW, until=LATER, tags=((f"{number}", "x"),), mark=memory.mark()
        )
    memory.forget((f"{number}", "x") for number in range(10))
    assert (len(shelf), shelf._keys) == (0, {})
