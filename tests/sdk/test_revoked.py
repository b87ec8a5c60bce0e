"""What a Verifier remembers of revocations is bounded, and what it cannot remember is refused."""

import asyncio
import subprocess
import sys

import pytest

from dhq_auth.sdk import revoked
from dhq_auth.sdk.revoked import Entry, Revoked
from tests.fixtures.service import FrozenClock
from tests.sdk.feed_server import FeedServer

NOW = 1_700_000_000


def claims(**some: object) -> dict[str, object]:
    return {"sub": "ada", "jti": "t", "iat": NOW, **some}


@pytest.mark.slow
def test_of_too_much_to_remember_all_tokens_of_that_time_are_refused() -> None:
    known = Revoked()
    known.add([Entry("kid", "stolen", NOW - 10_000)])
    half = revoked.MAX_KNOWN // 2
    known.add(Entry("sid", f"old {number}", NOW) for number in range(half))
    assert not known.refuses(claims(iat=NOW), "k")
    known.add(Entry("sid", f"new {number}", NOW + 1000) for number in range(half + 1))
    assert known.refuses(claims(iat=NOW), "k"), "whatever it was made with"
    assert known.refuses(claims(iat=NOW + revoked.SKEW, sid="old 0"), "k"), "signed at that moment"
    assert not known.refuses(claims(iat=NOW + 61), "k")
    assert known.refuses(claims(iat=NOW + 2000, sid=f"new {half}"), "k")
    assert known.refuses(claims(iat=NOW + 2000), "stolen")


def test_what_is_forgotten_is_what_no_token_can_outlive() -> None:
    known = Revoked()
    known.add([Entry("sid", "1", NOW), Entry("user", "ada", NOW + 1), Entry("kid", "k", 0)])
    known.forget(NOW + 1)
    assert not known.refuses(claims(sid="1", sub="bob"), "other")
    assert known.refuses(claims(iat=NOW + 1), "other")
    known.forget(NOW + 2)
    assert not known.refuses(claims(), "other")
    assert known.refuses_key("k")


@pytest.mark.parametrize("kind", ["jti", "sid"])
def test_what_is_named_as_another_thing_is_not_meant(kind: str) -> None:
    known = Revoked()
    known.add([Entry(kind, "1", NOW)])
    assert known.refuses(claims(**{kind: "1"}), "k")
    assert not known.refuses(claims(**{"jti": "x", "sid": "x", kind: "2"}, sub="1"), "1")


FORKING = r"""
import os, sys, time
from dhq_auth.sdk import InvalidToken, Verifier
verifier = Verifier(sys.argv[1], service="notes")

def refused():
    try:
        verifier.verify(sys.argv[2])
    except InvalidToken:
        return True
    return False

assert not refused()
child = os.fork()
until = time.monotonic() + 10
while not refused() and time.monotonic() < until:
    time.sleep(0.01)
os.write(1, b"refused\n" if refused() else b"believed\n")
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.slow
async def test_a_process_that_was_forked_follows_by_itself_and_ends_by_itself(
    clock: FrozenClock,
) -> None:
    async with FeedServer(clock) as auth:
        token = auth.token(sid="1")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FORKING, auth.origin, token, stdout=subprocess.PIPE
        )
        async with asyncio.timeout(20):
            while auth.waiting < 2:  # noqa: ASYNC110 - in other processes
                await asyncio.sleep(0.01)
            auth.revoke(sid="1")
            said, _ = await process.communicate()
        assert (said, process.returncode) == (b"refused\n" * 2, 0), "though threads wait for more"
