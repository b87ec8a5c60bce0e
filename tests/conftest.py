"""What all tests share."""

import gc

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.fixtures.fakes",
    "tests.fixtures.pages",
    "tests.fixtures.service",
    "tests.fixtures.process",
]

# The same examples in every run, and for everybody; `--hypothesis-profile=search` looks for new
# ones, twenty times as many.
settings.register_profile("same", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("search", max_examples=1000, deadline=None)
settings.load_profile("same")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the garbage collector what stays until the end: a quarter of the time of all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
