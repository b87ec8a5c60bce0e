"""An answer that is given again, without being asked for, is not given once what it says has ended."""

import gc

import pytest

from dhq_auth.serving.repeats import Repeat, Repeats
from tests.fixtures.service import Service, Start
from tests.revocations.following import seconds_while
from tests.revocations.stage import done
from tests.revocations.test_remembered import WITHIN
from tests.self_service.people import Person, registered


def kept() -> set[int]:
    """Return which answers this process would give again."""
    known = (each._known.values() for each in gc.get_objects() if isinstance(each, Repeats))
    return {id(answer) for values in known for answer in values if isinstance(answer, Repeat)}


async def is_good(service: Service, path: str, token: str) -> bool:
    """Whether *token* is good for anything at *path*; in the same bytes each time."""
    answer = await service.program.get(path, headers={"Auth-Token": token})
    said = await answer.json()
    return bool(said.get("authenticated") or said.get("token"))


async def given_again(service: Service, path: str, token: str) -> None:
    """Ask until the answer is kept."""
    before = kept()
    for _ in range(5):
        assert await is_good(service, path, token)
    assert kept() - before, "the next answer comes from there"


async def tokens_of(alice: Person) -> tuple[str, str]:
    return alice.token, (await alice.make_token())["token"]


PATHS = pytest.mark.parametrize("path", ["/auth/check", "/auth/authorize?service=notes"])


@pytest.mark.slow
@PATHS
async def test_what_ends_here_is_not_given_again(
    start: Start, path: str, static: dict[str, str]
) -> None:
    service = await start(**static)
    alice = await registered(service)
    tokens = await tokens_of(alice)
    for token in tokens:
        await given_again(service, path, token)
    await done(alice.call("POST", "/auth/logout", json={"all": True}))
    assert [await is_good(service, path, token) for token in tokens] == [False, False]


@pytest.mark.slow
@PATHS
async def test_what_ends_on_another_replica_is_not_given_again_within_a_second(
    start: Start, path: str, static: dict[str, str]
) -> None:
    here = await start(**static)
    there = await start(EXTERNAL_ADDRESS=here.url, **static)
    alice = await registered(here)
    tokens = await tokens_of(alice)
    for token in tokens:
        await given_again(there, path, token)
    await done(alice.call("POST", "/auth/logout", json={"all": True}))

    async def is_any_good() -> bool:
        return any([await is_good(there, path, token) for token in tokens])

    assert await seconds_while(is_any_good) < WITHIN
