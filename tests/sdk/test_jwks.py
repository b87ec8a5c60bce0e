"""The keys are fetched when they are needed, and no more often; what is removed is forgotten."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from dhq_auth.sdk import Unavailable, Verifier
from dhq_auth.tokens.key import new_private_key, private_pem
from tests.fakes import faults
from tests.fakes.faults import Gate
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.proxy import Proxy
from tests.fakes.signing import unpublished
from tests.fixtures.service import FrozenClock, Service, Start, oidc
from tests.sdk.auth_server import SERVICE, AuthServer, believed, signing_key

DAY = 86400


async def test_nothing_is_fetched_before_it_is_needed(auth: AuthServer, verifier: Verifier) -> None:
    for token in ("", "a.b.c", auth.token()[:-1] + "="):
        assert not await believed(verifier, token)
    assert auth.asked["jwks"] == 0


async def test_a_hundred_tokens_at_once_cost_one_fetch(
    auth: AuthServer, verifier: Verifier
) -> None:
    gate = auth.faults["jwks"] = Gate()
    waiting = [asyncio.create_task(verifier.verify_async(auth.token())) for _ in range(100)]
    await gate.reached.wait()
    waiting[0].cancel()  # who came first may go: the others still get the answer
    gate.opened.set()
    callers = await asyncio.gather(*waiting[1:])
    assert {caller.user_id for caller in callers} == {"ada"}
    assert auth.asked["jwks"] == 1


async def test_threads_and_loops_share_one_fetch(auth: AuthServer, verifier: Verifier) -> None:
    gate = auth.faults["jwks"] = Gate()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(4) as threads:
        waiting = [loop.run_in_executor(threads, verifier.verify, auth.token()) for _ in range(4)]
        await gate.reached.wait()
        also = asyncio.create_task(verifier.verify_async(auth.token()))
        gate.opened.set()
        assert {caller.user_id for caller in await asyncio.gather(*waiting, also)} == {"ada"}
    assert auth.asked["jwks"] == 1


async def test_a_loop_that_ends_takes_no_other_with_it(
    auth: AuthServer, verifier: Verifier
) -> None:
    gate = auth.faults["jwks"] = Gate()

    def given_up() -> None:
        async def impatient() -> None:
            async with asyncio.timeout(0.05):
                await verifier.verify_async(auth.token())

        with pytest.raises(TimeoutError):
            asyncio.run(impatient())

    await asyncio.to_thread(given_up)
    waiting = asyncio.create_task(verifier.verify_async(auth.token()))
    gate.opened.set()
    assert (await waiting).user_id == "ada"
    assert auth.asked["jwks"] == 1


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("public, max-age=300", 300),
        ("max-age=0", 30),
        ("no-store", 30),
        (None, 30),
        ("MAX-AGE=60", 60),
        ('max-age="60"', 60),
        ("s-maxage=900", 30),
        ("max-age=99999999", 3600),
        ("max-age=-1", 30),
        ("max-age=9999999999999999999999", 30),
        ("max-age=x", 30),
    ],
)
async def test_keys_are_new_for_as_long_as_the_answer_says_within_bounds(
    auth: AuthServer, verifier: Verifier, told: str | None, seconds: int
) -> None:
    auth.max_age = told
    for offset, fetches in ((0, 1), (seconds - 1, 1), (1, 2)):
        auth.clock.advance(seconds=offset)
        assert await believed(verifier, auth.token())
        assert auth.asked["jwks"] == fetches


async def test_a_new_key_is_fetched_when_it_first_signs(
    auth: AuthServer, verifier: Verifier
) -> None:
    old = auth.token()
    assert await believed(verifier, old)
    auth.clock.advance(seconds=5)
    auth.keys.insert(0, auth.new_key())
    assert await believed(verifier, auth.token())
    assert await believed(verifier, old)
    assert auth.asked["jwks"] == 2


async def test_a_key_that_was_removed_is_believed_no_more(
    auth: AuthServer, verifier: Verifier
) -> None:
    old = auth.token()
    assert await believed(verifier, old)
    auth.keys = [auth.new_key()]
    auth.clock.advance(seconds=300)
    assert not await believed(verifier, old)
    assert await believed(verifier, auth.token())


async def test_unknown_keys_cost_one_fetch_in_five_seconds(
    auth: AuthServer, verifier: Verifier
) -> None:
    unknown = auth.token(signing_key(unpublished("RS256")))
    for fetches in (1, 2, 3):
        outcomes = await asyncio.gather(*(believed(verifier, unknown) for _ in range(20)))
        assert not any(outcomes)
        assert auth.asked["jwks"] == fetches
        auth.clock.advance(seconds=4)
        assert not await believed(verifier, unknown)
        assert auth.asked["jwks"] == fetches
        auth.clock.advance(seconds=1)


async def test_a_clock_that_was_set_back_makes_keys_no_newer(
    auth: AuthServer, verifier: Verifier
) -> None:
    assert await believed(verifier, auth.token())
    auth.clock.advance(days=-30)
    assert await believed(verifier, auth.token())
    assert auth.asked["jwks"] == 2


async def test_old_keys_serve_for_a_day_while_the_service_is_away(
    auth: AuthServer, verifier: Verifier
) -> None:
    assert await believed(verifier, auth.token())
    auth.faults["jwks"] = faults.server_error
    auth.clock.advance(seconds=DAY + 299)
    assert await believed(verifier, auth.token())
    auth.clock.advance(seconds=1)
    with pytest.raises(Unavailable):
        await verifier.verify_async(auth.token())
    auth.faults.clear()
    auth.clock.advance(seconds=5)
    assert await believed(verifier, auth.token())


async def test_a_service_that_is_away_is_not_asked_for_each_token(
    auth: AuthServer, verifier: Verifier
) -> None:
    assert await believed(verifier, auth.token())
    auth.clock.advance(seconds=300)
    auth.faults["jwks"] = faults.server_error
    for _ in range(5):
        assert await believed(verifier, auth.token())
    assert auth.asked["jwks"] == 2


async def test_an_unknown_key_is_no_no_while_the_newest_cannot_be_had(
    auth: AuthServer, verifier: Verifier
) -> None:
    assert await believed(verifier, auth.token())
    auth.clock.advance(seconds=5)
    auth.faults["jwks"] = faults.reset
    auth.keys.insert(0, auth.new_key())
    for _ in range(2):
        with pytest.raises(Unavailable):
            await verifier.verify_async(auth.token())
    assert auth.asked["jwks"] == 2
    auth.faults.clear()
    auth.clock.advance(seconds=5)
    assert await believed(verifier, auth.token())


async def test_without_a_first_answer_nothing_is_believed(auth: AuthServer) -> None:
    await auth.stop()
    verifier = Verifier(auth.origin, service=SERVICE, now=auth.clock)
    with pytest.raises(Unavailable) as error:
        await asyncio.to_thread(verifier.verify, auth.token(signing_key(unpublished("RS256"))))
    assert error.value.retry_after > 0


FORKING = """
import os, sys
from dhq_auth.sdk import ANONYMOUS, Verifier
verifier = Verifier(sys.argv[1], service="notes")
print(verifier.verify(sys.argv[2]).user_id, verifier.decide_sync(ANONYMOUS, "a", "read").effect)
sys.stdout.flush()
if (child := os.fork()) == 0:
    print(verifier.verify(sys.argv[2]).user_id, verifier.decide_sync(ANONYMOUS, "b", "read").effect)
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.slow
async def test_workers_that_are_forked_have_threads_of_their_own(auth: AuthServer) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FORKING, auth.origin, auth.token(), stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert said.decode().splitlines() == ["ada allow"] * 2


async def behind(proxy: Proxy, start: Start, issuer: OidcIssuer, *keys: object) -> Service:
    """Start the real service with these keys, at the address of *proxy*."""
    service = await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES="notes:tests.sdk.providers",
        EXTERNAL_ADDRESS=f"http://localhost:{proxy.port}",
        PRIVATE_KEY="".join(map(private_pem, keys)),
    )
    proxy._target = service.browser.session._base_url.port
    return service


async def token_of(service: Service) -> str:
    login = await service.log_in("acme")
    answer = await service.browser.get(
        "/auth/authorize", params={"service": "notes"}, headers={"Auth-Token": login}
    )
    return (await answer.json())["token"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.slow
async def test_keys_of_the_real_service_turn_over_under_a_running_verifier(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    old, new = new_private_key(), new_private_key()
    async with Proxy(0) as proxy:
        verifier = Verifier(f"http://localhost:{proxy.port}", service=SERVICE, now=clock)
        first = await behind(proxy, start, issuer, old)
        before = await token_of(first)
        assert await believed(verifier, before)
        await first.stop()

        second = await behind(proxy, start, issuer, new, old)
        clock.advance(seconds=5)
        after = await token_of(second)
        assert await believed(verifier, after)
        assert await believed(verifier, before)
        await second.stop()

        await behind(proxy, start, issuer, new)
        clock.advance(minutes=5)  # the cache time of the keys
        assert await believed(verifier, after)
        assert await believed(verifier, before)  # published until the last token has expired
