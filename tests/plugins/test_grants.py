"""Answers that are no grant of JSON values, or that are none at all."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from dhq_auth import Grant, GrantContext
from dhq_auth.errors import UpstreamFailed
from dhq_auth.plugins import PermissionProviders
from dhq_auth.settings import from_environ
from tests.plugins.conftest import GRANT, V1, Write

Answer = Callable[[str], Awaitable[Grant]]


def read() -> AbstractAsyncContextManager[Any]:
    raise AssertionError("nothing is read here")


@pytest.fixture
async def answer(module: Write) -> AsyncIterator[Answer]:
    """A function that asks a provider of the given source."""
    asked = []

    async def ask(source: str) -> Grant:
        settings = from_environ({"ALLOWED_SERVICES": f"notes:{module(source)}"})
        providers = PermissionProviders(settings.services, timeout=5, calls=2, max_size=8192)
        asked.append(providers)
        user: Any = {"id": "ada"}
        return await providers.grant(GrantContext("notes", user, read))

    yield ask
    for providers in asked:
        await providers.close()


@pytest.mark.parametrize(
    "source",
    [
        V1 + "raise ValueError('secret of a plugin')",
        V1 + "raise SystemExit(1)",
        V1 + "raise KeyboardInterrupt",
        "async " + V1 + "raise SystemExit(1)",
        "import asyncio\nasync " + V1 + "raise asyncio.CancelledError",
        V1 + "yield {}",
        V1 + "return None",
        V1 + "return []",
        V1 + "return 'text'",
        V1 + "return {'n': float('nan')}",
        V1 + "return {'n': [float('inf')]}",
        V1 + "return {1: True}",
        V1 + "return {'a': {None: True}}",
        V1 + "return {'a': {1, 2}}",
        V1 + "return {'a': object()}",
        V1 + "return {'a': b'bytes'}",
        V1 + "return {'a': '\\ud800'}",
        V1 + "return {'\\udcff': 1}",
        V1 + "return {'a': 10 ** 5000}",
        V1 + "return {'a': 'x' * 10_000_000}",
        V1 + "return {str(i): i for i in range(200_000)}",
        V1 + "x = {}; x['x'] = x; return x",
        V1 + "x = []; [x := [x] for _ in range(100_000)]; return {'a': x}",
        "from dhq_auth import Grant\n" + V1 + "return Grant({})",
        GRANT + "return {}",
        GRANT + "return Grant(None)",
        GRANT + "return Grant({}, filters=['a'])",
        GRANT + "return Grant({}, filters={'a': float('nan')})",
        GRANT + "return Grant({}, fresh_for=30)",
        GRANT + "return Grant({}, fresh_for=-timedelta(1))",
        GRANT + "return Grant({}, stale_since='yesterday')",
        GRANT + "return Grant({}, stale_since=datetime(2020, 1, 1))",
    ],
)
async def test_what_is_no_grant_of_json_is_a_failure_of_the_provider(
    source: str, answer: Answer, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(UpstreamFailed) as caught:
        await answer(source)
    assert caught.value.extra == {"permissions": {}}
    assert "secret of a plugin" not in caplog.text + str(caught.value)
    assert "the permission provider of notes" in caplog.text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("{'since': {1}}", "permissions.since is of the type set, which JSON does not have"),
        ("{'a': {'since': {1}}}", "permissions.a.since is of the type set, which JSON does not have"),
        ("{'a': [float('inf')]}", "permissions.a is a number that JSON does not have"),
        ("{1: 2}", "permissions has a key of the type int, not a text"),
        ("None", "permissions is of the type NoneType, not a dict"),
        ("{'a': 'x' * 9000}", "it is too large for a token (MAX_TOKEN)"),
    ],
)  # fmt: skip
async def test_the_log_says_what_is_wrong_and_where(
    value: str, why: str, answer: Answer, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(UpstreamFailed):
        await answer(f"{V1}return {value}")
    assert why in caplog.text


@pytest.mark.parametrize(
    ("explanation", "why"),
    [
        ("[]", "explanation is of the type list, not a dict"),
        ("{'a': {1}}", "explanation.a is of the type set, which JSON does not have"),
        ("{'a': 'x' * 300_000}", "it is too large for an explanation"),
    ],
)
async def test_an_explanation_is_json_too_and_may_be_larger_than_a_token(
    explanation: str, why: str, answer: Answer, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(UpstreamFailed):
        await answer(f"{GRANT}return Grant({{}}, explanation={explanation})")
    assert why in caplog.text


async def test_an_explanation_takes_no_room_in_the_token(answer: Answer):
    granted = await answer(f"{GRANT}return Grant({{}}, explanation={{'a': ['x' * 9000]}})")
    assert granted.explanation == {"a": ["x" * 9000]}


async def test_a_text_from_a_plugin_cannot_fill_the_log(
    answer: Answer, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(UpstreamFailed):
        await answer(V1 + "return {'k' * 5000: {1}}")
    assert len(caplog.text) < 500


async def test_the_values_are_copies(answer: Answer):
    grant = await answer("kept = {'a': [1]}\n" + GRANT + "return Grant(kept)")
    import plugin_of_test  # type: ignore[import-not-found]  # noqa: PLC0415

    plugin_of_test.kept["a"].append(2)
    assert grant.permissions == {"a": [1]}
