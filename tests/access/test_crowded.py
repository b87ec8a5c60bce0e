"""Too many wait for a hash: who is sent away has not failed."""

import pytest

from dhq_auth.access.accounts import Names
from dhq_auth.errors import TooManyRequests, Unavailable, WrongPassword
from dhq_auth.events import Source
from dhq_auth.passwords.hashing import Argon2Cost, PasswordHasher
from dhq_auth.passwords.store import password_of
from dhq_auth.work import Work
from tests.access.conftest import MakeLogins, add
from tests.fixtures.service import CHEAP, FrozenClock

GOOD = "correct horse battery staple"
HERE = Source(address="192.0.2.1")
EMAIL = "alice@example.com"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class BusyHasher(PasswordHasher):
    """The real one; so many passwords find room, then none until there is `room` again."""

    def __init__(self) -> None:
        super().__init__(CHEAP, queue=100)
        self.room = 1000

    async def hash(self, password: str) -> str:
        self._take_room()
        return await super().hash(password)

    async def verify(self, password: str, stored: str | None) -> bool:
        self._take_room()
        return await super().verify(password, stored)

    def _take_room(self) -> None:
        if not self.room:
            raise Unavailable("too many passwords wait to be checked")
        self.room -= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alice", EMAIL, "nobody", "nobody@example.com"])
@pytest.mark.parametrize("room", range(3))
async def test_an_attempt_that_was_not_judged_is_no_failure(
    make_logins: MakeLogins, work: Work, clock: FrozenClock, name: str, room: int
) -> None:
    hasher = BusyHasher()
    logins = await make_logins(hasher)
    for username in ("alice", "mallory", "malcolm"):
        hashed = await hasher.hash(f"the password of {username}")
        await add(work, Names(username=username, email=EMAIL), hashed)
        clock.advance(seconds=1)
    for number in range(6):
        hasher.room = room if name == EMAIL else 0
        with pytest.raises(Unavailable):
            await logins.account_of(name, f"guess {number}", HERE)
    hasher.room = 1000
    for number in range(5):
        with pytest.raises(WrongPassword):
            await logins.account_of(name, f"guess {number}", HERE)
    with pytest.raises(TooManyRequests):
        await logins.account_of(name, "guess 6", HERE)
    if name == EMAIL:
        with pytest.raises(TooManyRequests):
            await logins.account_of("alice", "guess 7", HERE)
    hasher.close()


@pytest.mark.slow
async def test_a_hash_of_old_cost_waits_for_another_login(
    make_logins: MakeLogins, work: Work, clock: FrozenClock
) -> None:
    old, hasher = PasswordHasher(Argon2Cost(time=2, memory=8), queue=1), BusyHasher()
    logins = await make_logins(hasher)
    hashed = await old.hash(GOOD)
    await add(work, Names(username="alice"), hashed)
    hasher.room = 1
    assert (await logins.account_of("alice", GOOD, HERE)).user.username == "alice"
    clock.advance(hours=1)  # no longer believed without a hash
    hasher.room = 2
    account = await logins.account_of("alice", GOOD, HERE)
    async with work.read() as db:
        stored = await password_of(db, account.user.id)
    assert stored is not None
    assert not hasher.outdated(stored.hash)
    for each in (old, hasher):
        each.close()
