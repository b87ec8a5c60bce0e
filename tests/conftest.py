"""What all tests share."""

import gc
import os
from asyncio import AbstractEventLoop
from collections import Counter
from collections.abc import Callable

import pytest
import uvloop
from hypothesis import settings

from tests.fakes.memory import in_memory

pytest_plugins = [
    "tests.fixtures.fakes",
    "tests.fixtures.pages",
    "tests.fixtures.service",
    "tests.fixtures.statements",
    "tests.fixtures.process",
]

CASES = 1
"""How many cases of a test that starts the service are in the fast set."""

# The same examples in every run, and for everybody; `--hypothesis-profile=search` looks for new
# ones, twenty times as many.
settings.register_profile("same", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the fault suite be told to take its time."""
    parser.addoption(
        "--thorough", action="store_true", help="the long form of what tests/faults tries"
    )


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """Run on the event loop of the service: it also takes a seventh less time."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_configure() -> None:
    """Keep the folders of tests in memory: each commit to a SQLite file there waits for the disk."""
    if folder := in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the fast set try the first case of what is tried through the whole service, not all.

    In the order of the file, so that each process of a run comes to the same.
    """
    seen: Counter[str] = Counter()
    for item in items:
        if "database_url" in getattr(item, "fixturenames", ()) and not item.get_closest_marker(
            "postgres"
        ):
            function = item.nodeid.partition("[")[0]
            seen[function] += 1
            if seen[function] > CASES:
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the garbage collector what stays until the end: a quarter of the time of all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
