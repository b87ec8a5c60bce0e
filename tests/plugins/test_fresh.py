"""An answer that holds for a while, as its provider says, is given again without asking it."""

from collections.abc import Awaitable, Callable

import pytest

from tests.fixtures.service import FrozenClock, Service, Start
from tests.plugins.conftest import Write
from tests.self_service.people import Person, ask, logged_in, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

COUNTING = """
from datetime import timedelta
from dhq_auth import Grant

class Counting:
    asked = 0

    async def grant(self, context):
        self.asked += 1
        return Grant({{"asked": self.asked}}, fresh_for=timedelta(seconds={seconds}))

def configure(options):
    return Counting()
"""
Serve = Callable[..., Awaitable[Service]]


@pytest.fixture
def serve(start: Start, module: Write) -> Serve:
    async def serve(seconds: float, **environ: str) -> Service:
        name = module(COUNTING.format(seconds=seconds))
        return await start(ALLOWED_SERVICES=f"notes:{name};other:{name}", **environ)

    return serve


async def asked(who: Person, bearer: str | None = None, **params: str) -> int:
    """Return how often the provider had been asked when this was answered."""
    sent = {"service": "notes", **params}
    status, said = await ask(
        who.service, "GET", "/auth/authorize", bearer=bearer or who.token, params=sent
    )
    assert status == 200, said
    found: int = said["permissions"]["asked"]
    return found


async def test_the_provider_is_asked_again_when_its_answer_no_longer_holds(
    serve: Serve, clock: FrozenClock
) -> None:
    alice = await registered(await serve(30))
    assert [await asked(alice) for _ in range(3)] == [1, 1, 1]
    clock.advance(seconds=29)
    assert await asked(alice) == 1
    clock.advance(seconds=1)
    assert await asked(alice) == 2


async def test_an_answer_of_which_nothing_was_said_holds_for_nobody(serve: Serve) -> None:
    alice = await registered(await serve(0))
    assert [await asked(alice) for _ in range(3)] == [1, 2, 3]


async def test_nothing_holds_for_longer_than_a_minute(serve: Serve, clock: FrozenClock) -> None:
    alice = await registered(await serve(3600))
    assert await asked(alice) == 1
    clock.advance(seconds=60)
    assert await asked(alice) == 2


async def test_it_holds_no_longer_than_the_token_in_it(serve: Serve, clock: FrozenClock) -> None:
    alice = await registered(await serve(50, SERVICE_TOKEN_LIFETIME="20s"))
    assert await asked(alice) == 1
    clock.advance(seconds=10)
    assert await asked(alice) == 2


@pytest.mark.parametrize("seconds", [0.5, 1])
async def test_of_a_moment_nobody_is_told(serve: Serve, seconds: float) -> None:
    alice = await registered(await serve(seconds))
    _, said = await alice.call("GET", "/auth/authorize?service=notes")
    assert "fresh_for" not in said


async def test_another_credential_service_or_user_is_asked_for_by_itself(serve: Serve) -> None:
    alice = await registered(await serve(30))
    token = (await alice.make_token(title="x"))["token"]
    assert await asked(alice) == 1
    assert await asked(alice, bearer=token) == 2
    assert await asked(alice, service="other") == 1
    assert await asked(await registered(alice.service, "bob")) == 3
    assert [await asked(alice), await asked(alice, bearer=token)] == [1, 2]


async def test_who_wants_to_know_why_is_told_what_is_so_now(serve: Serve) -> None:
    alice = await registered(await serve(30))
    assert [await asked(alice), await asked(alice, explain="1"), await asked(alice)] == [1, 2, 1]


@pytest.mark.parametrize("path", ["/auth/logout", "/auth/tokens"])
async def test_whatever_happens_to_the_user_ends_it_at_once(serve: Serve, path: str) -> None:
    alice = await registered(await serve(30))
    other = await logged_in(alice.service, "alice")
    assert await asked(alice) == 1
    await other.call("POST", path, json={})
    assert await asked(alice) == 2
