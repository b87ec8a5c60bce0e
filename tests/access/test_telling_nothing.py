"""Whether an email is anybody's is found out by nobody, though everybody may claim it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from dhq_auth.access.accounts import Names
from dhq_auth.access.store import MAX_CANDIDATES
from dhq_auth.errors import WrongPassword
from dhq_auth.events import Source
from dhq_auth.passwords.hashing import PasswordHasher
from dhq_auth.work import Work
from tests.access.conftest import MakeLogins, add
from tests.fixtures.service import CHEAP, FrozenClock, Service, Start

EMAIL = "alice@example.com"
GOOD = "correct horse battery staple"
OWN = "what mallory has chosen"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def register(service: Service, username: str, password: str) -> None:
    account = {"username": username, "email": EMAIL, "password": password}
    answer = await service.new_browser().post("/auth/register", json=account)
    assert answer.status == 201, await answer.text()
    service.clock.advance(seconds=1)


async def attempt(service: Service, password: str, name: str = EMAIL) -> tuple[int, str, object]:
    answer = await service.new_browser().post(
        "/auth/login", json={"username": name, "password": password}
    )
    return answer.status, answer.headers.get("Retry-After", ""), (await answer.json()).get("detail")


async def failures(
    service: Service, times: int, name: str = EMAIL
) -> Sequence[tuple[int, str, object]]:
    return [await attempt(service, f"wrong {number}", name) for number in range(times)]


async def claimed_after_failures(service: Service) -> object:
    first = await failures(service, 5)
    await register(service, "mallory", OWN)
    return first, await failures(service, 2)


async def claimed_and_proved_after_failures(service: Service) -> object:
    first = await failures(service, 5)
    await register(service, "mallory", OWN)
    service.clock.advance(minutes=14)
    return first, await attempt(service, OWN), await failures(service, 7)


async def failed_by_name_then_by_email(service: Service) -> object:
    await register(service, "mallory", OWN)
    return await failures(service, 5, "mallory"), await failures(service, 6)


async def proved_between_failures(service: Service) -> object:
    await register(service, "mallory", OWN)
    return await failures(service, 4), await attempt(service, OWN), await failures(service, 6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "find_out",
    [
        claimed_after_failures,
        claimed_and_proved_after_failures,
        failed_by_name_then_by_email,
        proved_between_failures,
    ],
)
async def test_who_claims_an_email_does_not_learn_by_failures_whether_another_has_it(
    start: Start, tmp_path: Path, find_out: Callable[[Service], Awaitable[object]]
) -> None:
    told = []
    for taken in (False, True):
        service = await start(DATABASE_URL=f"sqlite:///{tmp_path}/{taken}/dhq-auth.db")
        if taken:
            await register(service, "alice", GOOD)
        told.append(await find_out(service))
    assert told[0] == told[1]


class CountingHasher(PasswordHasher):
    """The real one, which also says how much it had to do."""

    def __init__(self) -> None:
        super().__init__(CHEAP, queue=100)
        self.verified = 0

    async def verify(self, password: str, stored: str | None) -> bool:
        self.verified += 1
        return await super().verify(password, stored)


@pytest.mark.parametrize("accounts", [0, 1, 2, MAX_CANDIDATES, MAX_CANDIDATES + 1])
@pytest.mark.parametrize("password", ["wrong", "password number 0", "password number 1"])
async def test_an_email_that_nobody_has_is_as_much_work_as_one_that_somebody_has(
    make_logins: MakeLogins, work: Work, clock: FrozenClock, accounts: int, password: str
) -> None:
    """Most of the time that it takes are hashes. Which of several fits does not show in it."""
    hasher = CountingHasher()
    logins = await make_logins(hasher)
    for number in range(accounts):
        hashed = await hasher.hash(f"password number {number}")
        await add(work, Names(email=EMAIL), hashed)
        clock.advance(seconds=1)
    with suppress(WrongPassword):
        await logins.account_of(EMAIL, password, Source())
    assert hasher.verified == min(max(1, accounts), MAX_CANDIDATES)
    hasher.close()
