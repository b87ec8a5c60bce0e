"""The question that providers are asked."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from dhq_auth import GrantContext

Question = Callable[..., GrantContext]


@pytest.fixture
def question() -> Question:
    """A function that makes the question of what a user may do in a service."""

    def read() -> AbstractAsyncContextManager[Any]:
        raise AssertionError("these providers read no database")

    def ask(service: str = "notes", user: str = "ada") -> GrantContext:
        info: Any = {"id": user, "username": f"the-{user}", "email": None, "is_admin": False}
        return GrantContext(service, info, read)

    return ask
