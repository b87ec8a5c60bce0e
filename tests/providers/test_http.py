"""Permissions from a URL."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from dhq_auth.errors import UpstreamFailed, UpstreamTimeout
from dhq_auth.plugins.options import read_options
from providers.http import HttpPermissions, Options
from tests.fakes import faults
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import LocalServer
from tests.fixtures.service import FrozenClock, Start, oidc
from tests.providers.conftest import Question


class Permissions(LocalServer):
    """A service that says what users may do: whatever is in `granted`."""

    def __init__(self) -> None:
        super().__init__()
        self.granted: dict[str, object] = {"read": True}
        self.questions: list[Any] = []
        self.headers: list[Any] = []

    @property
    def url(self) -> str:
        return f"{self.origin}/permissions"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/permissions", self.answer, name="permissions")]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.questions.append(await request.json())
        self.headers.append(request.headers)
        return web.json_response({"permissions": self.granted})


@pytest.fixture
async def server() -> AsyncIterator[Permissions]:
    """The service that is asked."""
    async with Permissions() as running:
        yield running


Make = Callable[..., HttpPermissions]


@pytest.fixture
async def make(server: Permissions, clock: FrozenClock) -> AsyncIterator[Make]:
    """A function that makes a provider with options."""
    made: list[HttpPermissions] = []

    def make_one(**options: str) -> HttpPermissions:
        made.append(HttpPermissions(server.url, read_options(Options, options), clock))
        return made[-1]

    yield make_one
    for provider in made:
        await provider.close()


async def test_it_asks_with_service_user_and_token(
    server: Permissions, make: Make, question: Question
):
    grant = await make(token="s3cret").grant(question("notes", "ada"))
    assert grant.permissions == {"read": True}
    assert grant.stale_since is None
    assert server.questions == [
        {
            "service": "notes",
            "user": {"id": "ada", "username": "the-ada", "email": None, "is_admin": False},
        }
    ]
    assert server.headers[0]["Authorization"] == "Bearer s3cret"
    assert "Cookie" not in server.headers[0]


async def test_without_a_token_there_is_no_authorization(
    server: Permissions, make: Make, question: Question
):
    await make().grant(question())
    assert "Authorization" not in server.headers[0]


async def test_without_max_age_every_question_is_asked(
    server: Permissions, make: Make, question: Question
):
    provider = make()
    await provider.grant(question())
    server.granted = {"read": False}
    grant = await provider.grant(question())
    assert (grant.permissions, grant.fresh_for) == ({"read": False}, timedelta(0))
    assert not provider._answers


async def test_an_answer_is_used_again_for_max_age_and_says_how_long_it_holds(
    server: Permissions, make: Make, question: Question, clock: FrozenClock
):
    provider = make(max_age="30s")
    assert (await provider.grant(question())).fresh_for == timedelta(seconds=30)
    server.granted = {"read": False}
    clock.advance(seconds=29)
    grant = await provider.grant(question())
    assert (grant.permissions, grant.fresh_for) == ({"read": True}, timedelta(seconds=1))
    clock.advance(seconds=1)
    assert (await provider.grant(question())).permissions == {"read": False}
    assert server.asked["permissions"] == 2


async def test_a_clock_that_is_set_back_makes_no_answer_young(
    server: Permissions, make: Make, question: Question, clock: FrozenClock
):
    provider = make(max_age="30s", stale_if_error="30s")
    await provider.grant(question())
    clock.advance(hours=-1)
    await provider.grant(question())
    assert server.asked["permissions"] == 2


async def test_one_users_answer_is_never_anothers_nor_anothers_service(
    server: Permissions, make: Make, question: Question
):
    provider = make(max_age="30s")
    for service, user in (("a", "ada"), ("a", "bob"), ("b", "ada"), ("a", "ada")):
        await provider.grant(question(service, user))
    assert [(each["service"], each["user"]["id"]) for each in server.questions] == [
        ("a", "ada"), ("a", "bob"), ("b", "ada"),
    ]  # fmt: skip


async def test_questions_at_the_same_time_are_asked_once(
    server: Permissions, make: Make, question: Question
):
    gate = server.faults["permissions"] = faults.Gate()
    provider = make()
    asked = [asyncio.create_task(provider.grant(question())) for _ in range(10)]
    await asyncio.wait_for(gate.reached.wait(), 5)
    asked[0].cancel()
    gate.opened.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert [grant.permissions for grant in outcomes[1:]] == [{"read": True}] * 9  # type: ignore[union-attr]
    assert server.asked["permissions"] == 1
    assert not provider._flights


async def test_the_memory_is_bounded_and_the_least_used_go_first(
    server: Permissions, make: Make, question: Question
):
    provider = make(max_age="30s", max_entries="2")
    for user in ("ada", "bob", "ada", "eve", "ada"):
        await provider.grant(question("notes", user))
    assert server.asked["permissions"] == 3
    assert [user for _, user in provider._answers] == ["eve", "ada"]


FAILURES = {
    "500": faults.server_error,
    "401": faults.answer(401, b'{"permissions": {}}'),
    "403": faults.answer(403, b'{"permissions": {}}'),
    "404": faults.answer(404, b'{"permissions": {}}'),
    "201": faults.answer(201, b'{"permissions": {}}'),
    "204": faults.answer(204),
    "redirect": faults.redirect("http://127.0.0.1:1/permissions"),
    "empty": faults.empty,
    "html": faults.html,
    "garbage": faults.garbage,
    "deep": faults.deep,
    "long number": faults.long_number,
    "endless": faults.endless,
    "bomb": faults.bomb,
    "reset": faults.reset,
    "truncated": faults.truncated,
    "no permissions": faults.json_answer({}),
    "bare permissions": faults.json_answer({"read": True}),
    "a list": faults.json_answer([{"permissions": {}}]),
    "permissions in a list": faults.json_answer({"permissions": ["read"]}),
    "null": faults.json_answer({"permissions": None}),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_what_is_no_answer_is_a_failure(
    failure: str, server: Permissions, make: Make, question: Question
):
    server.faults["permissions"] = FAILURES[failure]
    provider = make(token="s3cret")
    with pytest.raises(UpstreamFailed):
        await provider.grant(question())
    del server.faults["permissions"]
    assert (await provider.grant(question())).permissions == {"read": True}


@pytest.mark.parametrize("fault", [faults.hang, faults.dribble()])
@pytest.mark.slow
async def test_one_that_is_too_slow_is_given_up(
    fault: Any, server: Permissions, make: Make, question: Question
):
    server.faults["permissions"] = fault
    with pytest.raises(UpstreamTimeout):
        await make(timeout="0.2").grant(question())


async def test_nobody_listening_is_a_failure(server: Permissions, make: Make, question: Question):
    provider = make()
    await server.stop()
    with pytest.raises(UpstreamFailed):
        await provider.grant(question())


@pytest.mark.slow
@pytest.mark.parametrize("failure", ["500", "403", "404", "redirect", "no permissions", "hang"])
async def test_an_earlier_answer_stands_in_for_as_long_as_it_may_and_says_so(
    failure: str, server: Permissions, make: Make, question: Question, clock: FrozenClock
):
    provider = make(max_age="10s", stale_if_error="60s", timeout="0.2")
    began = clock.now
    await provider.grant(question())
    server.faults["permissions"] = {**FAILURES, "hang": faults.hang}[failure]
    clock.advance(seconds=69)
    grant = await provider.grant(question())
    assert grant.permissions == {"read": True}
    assert grant.stale_since == began + timedelta(seconds=10)
    assert grant.fresh_for == timedelta(0)
    with pytest.raises((UpstreamFailed, UpstreamTimeout)):
        await provider.grant(question("notes", "bob"))
    clock.advance(seconds=1)
    with pytest.raises((UpstreamFailed, UpstreamTimeout)):
        await provider.grant(question())


async def test_after_a_failure_the_next_question_is_asked_again(
    server: Permissions, make: Make, question: Question, clock: FrozenClock
):
    provider = make(stale_if_error="60s")
    await provider.grant(question())
    server.faults["permissions"] = faults.server_error
    assert (await provider.grant(question())).stale_since is not None
    del server.faults["permissions"]
    server.granted = {"read": False}
    grant = await provider.grant(question())
    assert (grant.permissions, grant.stale_since) == ({"read": False}, None)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.slow
async def test_through_the_service(
    start: Start,
    issuer: OidcIssuer,
    server: Permissions,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
):
    (tmp_path / "token").write_text("s3cret\n", encoding="utf-8")
    service = await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES="notes:http",
        PROVIDER_NOTES_URL=server.url,
        PROVIDER_NOTES_TOKEN_FILE=str(tmp_path / "token"),
        PROVIDER_NOTES_TIMEOUT="0.2",
        PROVIDER_NOTES_STALE_IF_ERROR="1h",
    )
    token = await service.log_in("acme")

    async def authorize(jwt: str) -> tuple[int, Any]:
        query = {"service": "notes", "jwt": jwt}
        answer = await service.browser.get("/auth/authorize", params=query)
        return answer.status, await answer.json()

    status, answer = await authorize(token)
    assert (status, answer["permissions"]) == (200, {"read": True})
    assert "stale_since" not in answer
    assert server.questions[0]["user"]["id"] == answer["userid"]
    assert server.headers[0]["Authorization"] == "Bearer s3cret"

    server.faults["permissions"] = faults.hang
    status, answer = await authorize(token)
    assert (status, answer["permissions"]) == (200, {"read": True})
    assert answer["stale_since"].endswith("Z")

    issuer.user = {**issuer.user, "sub": "another", "email": "another@example.com"}
    other = await service.log_in("acme", browser=service.new_browser())
    status, answer = await authorize(other)
    assert (status, answer["code"]) == (504, "upstream_timeout")
    server.faults["permissions"] = faults.server_error
    status, answer = await authorize(other)
    assert (status, answer["code"], answer["permissions"]) == (502, "upstream_failed", {})
    assert "token" not in answer
    assert "s3cret" not in caplog.text + json.dumps(answer)
