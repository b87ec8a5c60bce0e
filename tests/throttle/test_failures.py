"""Who fails too often is refused for a while; nobody else is, and the owner never for good."""

import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from dhq_auth.errors import TooManyRequests, Unavailable
from dhq_auth.settings import from_environ
from dhq_auth.throttle.failures import BEYOND, LoginFailures
from dhq_auth.work import Work
from tests.fakes.valkey import ValkeyServer
from tests.fixtures.service import FrozenClock
from tests.storage.pruning import prune_all
from tests.throttle.conftest import Make, announce

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"

everywhere = pytest.mark.parametrize(
    ("database_url", "storage"),
    [
        pytest.param("sqlite", "database", id="sqlite"),
        pytest.param("postgresql", "database", id="postgresql", marks=pytest.mark.postgres),
        pytest.param("sqlite", "valkey", id="valkey", marks=pytest.mark.valkey),
    ],
    indirect=True,
)
postgresql = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def fail(failures: LoginFailures, times: int, account: str = "ada", at: str = HERE) -> None:
    for _ in range(times):
        await failures.begin(account, at)


async def refusal(failures: LoginFailures, account: str = "ada", at: str = HERE) -> TooManyRequests:
    """Return how an attempt is refused."""
    with pytest.raises(TooManyRequests) as refused:
        await failures.begin(account, at)
    return refused.value


async def judged(attempts: Iterable[object]) -> int:
    """Return how many of *attempts*, all at once, are to be judged; the others are refused."""
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)  # type: ignore[call-overload]
    assert {type(each) for each in outcomes} <= {type(None), TooManyRequests}
    return outcomes.count(None)


async def attack(failures: LoginFailures, times: int, account: str = "ada") -> None:
    """Fail *times* at *account*, from as many addresses."""
    for number in range(times):
        await failures.begin(account, f"198.51.{number >> 8}.{number & 255}")


@everywhere
async def test_the_sixth_attempt_is_refused_there_and_not_elsewhere(
    failures: LoginFailures,
) -> None:
    await fail(failures, 5)
    for _ in range(2):
        refused = await refusal(failures)
        assert refused.detail == BEYOND
        assert 890 <= refused.retry_after <= 900
    await fail(failures, 5, at=ELSEWHERE)
    await fail(failures, 5, account="bob")


@pytest.mark.slow
@everywhere
async def test_of_many_at_once_at_two_replicas_no_one_too_many_is_judged(make: Make) -> None:
    replicas = [make(), make()]
    for address in (HERE, ELSEWHERE):
        assert await judged(each.begin("ada", address) for each in replicas * 20) == 5


@pytest.mark.slow
@everywhere
async def test_a_success_begins_anew_where_it_was_and_nowhere_else(
    failures: LoginFailures,
) -> None:
    await fail(failures, 5, at=ELSEWHERE)
    await fail(failures, 5, account="bob")
    await fail(failures, 5)
    await failures.succeeded("ada", HERE)
    await fail(failures, 5)
    await refusal(failures)
    await refusal(failures, at=ELSEWHERE)
    await refusal(failures, account="bob")


@everywhere
async def test_a_success_without_failures_changes_nothing(failures: LoginFailures) -> None:
    await failures.succeeded("ada", HERE)
    await fail(failures, 5)
    await refusal(failures)


@everywhere
async def test_a_check_counts_nothing_and_is_refused_where_an_attempt_is(
    failures: LoginFailures,
) -> None:
    for _ in range(5):
        for _ in range(3):
            await failures.check("ada", HERE)
        await failures.begin("ada", HERE)
    with pytest.raises(TooManyRequests) as refused:
        await failures.check("ada", HERE)
    assert refused.value.retry_after == (await refusal(failures)).retry_after
    await failures.check("ada", ELSEWHERE)


@pytest.mark.slow
@everywhere
async def test_after_a_hundred_in_a_row_each_address_has_one_attempt(
    failures: LoginFailures,
) -> None:
    await attack(failures, 99)
    await fail(failures, 1, at=ELSEWHERE)  # the hundredth
    with pytest.raises(TooManyRequests):
        await failures.check("ada", ELSEWHERE)
    for at in (HERE, "2001:db8::1"):  # where the owner never failed
        await failures.begin("ada", at)
        await refusal(failures, at=at)
        with pytest.raises(TooManyRequests):
            await failures.check("ada", at)
    assert await judged(failures.begin("ada", "2001:db8:1::") for _ in range(20)) == 1
    await refusal(failures, at=ELSEWHERE)
    await fail(failures, 5, account="bob")


@pytest.mark.slow
@everywhere
async def test_the_owner_ends_the_slowness(failures: LoginFailures) -> None:
    await attack(failures, 100)
    await failures.begin("ada", HERE)
    await failures.succeeded("ada", HERE)
    await fail(failures, 5)
    await refusal(failures)


@pytest.mark.slow
@sqlite
async def test_the_hundred_and_first_waits_before_it_is_judged(make: Make) -> None:
    failures = make(LOGIN_SLOWDOWN="0.1")
    time = asyncio.get_running_loop().time
    begun = time()
    await failures.begin("bob", HERE)
    await attack(make(LOGIN_SLOWDOWN="30"), 100)  # none of these has to
    between = time()
    await failures.begin("ada", HERE)
    assert time() - between >= 0.1 > (between - begun) / 50


@pytest.mark.slow
@sqlite
async def test_so_many_wait_and_who_cannot_is_not_counted(make: Make) -> None:
    await attack(make(), 100)
    failures = make(LOGIN_SLOWDOWN="30", max_waiting=2)
    waiting = [asyncio.create_task(failures.begin("ada", f"203.0.113.{n}")) for n in range(3)]
    (crowded,), waiting_still = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(crowded.exception(), TooManyRequests)
    assert (await refusal(failures)).retry_after == 30
    for task in waiting_still:
        task.cancel()
    await asyncio.gather(*waiting_still, return_exceptions=True)
    # Those who went away have left their places, and who was refused may still come once.
    again = asyncio.create_task(failures.begin("ada", HERE))
    assert not (await asyncio.wait({again}, timeout=0.2))[0]
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


async def test_the_window_begins_with_the_first_and_then_all_is_forgotten(
    make: Make, clock: FrozenClock
) -> None:
    failures = make(LOGIN_ATTEMPTS="2", LOGIN_WINDOW="60s")
    await failures.begin("ada", HERE)
    clock.advance(seconds=50)
    await failures.begin("ada", HERE)
    clock.advance(seconds=8.5)
    assert (await refusal(failures)).retry_after == 2
    clock.advance(seconds=1.5)
    await fail(failures, 2)
    assert (await refusal(failures)).retry_after == 60


@pytest.mark.slow
async def test_who_is_slow_today_is_not_tomorrow(
    failures: LoginFailures, clock: FrozenClock
) -> None:
    await attack(failures, 100)
    clock.advance(hours=23, minutes=59)
    await failures.begin("ada", HERE)
    await refusal(failures)
    clock.advance(minutes=1)
    await fail(failures, 4, at=ELSEWHERE)


@sqlite
async def test_whoever_goes_on_regardless_neither_writes_nor_waits_for_longer(
    failures: LoginFailures, clock: FrozenClock, database_url: str
) -> None:
    await fail(failures, 5)
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")  # nobody else can write
        for minutes in range(15):
            assert (await refusal(failures)).retry_after == (15 - minutes) * 60
            clock.advance(minutes=1)
        other.rollback()
    await fail(failures, 5)


@pytest.mark.parametrize("hours", [-1, -24 * 400])
async def test_a_clock_that_is_set_back_blocks_nobody(
    failures: LoginFailures, clock: FrozenClock, hours: int
) -> None:
    await fail(failures, 5)
    clock.advance(hours=hours)
    await failures.check("ada", HERE)
    await fail(failures, 5)
    assert (await refusal(failures)).retry_after == 900


@sqlite
async def test_a_clock_that_is_set_back_a_little_blocks_for_two_windows_at_most(
    failures: LoginFailures, clock: FrozenClock
) -> None:
    await fail(failures, 5)
    clock.advance(minutes=-15)
    assert (await refusal(failures)).retry_after == 1800
    clock.advance(minutes=30)
    await fail(failures, 5)


@sqlite
async def test_replicas_whose_clocks_differ_share_one_limit(make: Make, clock: FrozenClock) -> None:
    behind = FrozenClock()
    behind.now = clock.now
    behind.advance(seconds=-30)
    replicas = [make(), make(clock=behind)]
    assert await judged(each.begin("ada", HERE) for each in replicas * 10) == 5


@sqlite
async def test_the_addresses_of_one_ipv6_network_are_one_client(failures: LoginFailures) -> None:
    for number in range(5):
        await failures.begin("ada", f"2001:db8::{number:x}")
    await refusal(failures, at="2001:DB8:0::ffff:1:2:3")
    await failures.begin("ada", "2001:db8:0:1::1")


@sqlite
@pytest.mark.parametrize(
    "account",
    ["", "\0", "a" * 100_000, "\ud800", "ä\u202e🔑", "' OR 1=1 --", f"{HERE}\0ada", "*", "ada:1"],
    ids=["empty", "NUL", "huge", "surrogate", "Unicode", "SQL", "like a key", "star", "colon"],
)
async def test_a_name_may_be_anything_and_is_like_no_other(
    failures: LoginFailures, account: str
) -> None:
    await fail(failures, 5, account=account)
    await refusal(failures, account=account)
    await failures.begin("ada", HERE)
    await failures.begin(f"{account}x", HERE)
    await failures.begin(account, f"{ELSEWHERE}\0{account}")


@pytest.mark.slow
async def test_attempts_successes_and_the_housekeeper_get_along(
    make: Make, clock: FrozenClock, work: Work
) -> None:
    failures = make(LOGIN_ATTEMPTS="1000")
    addresses = [f"192.0.2.{number}" for number in range(4)]
    for _ in range(5):
        await asyncio.gather(
            *(failures.begin("ada", address) for address in addresses * 3),
            *(failures.succeeded("ada", address) for address in addresses * 2),
            *(prune_all(work) for _ in range(3)),
        )
        clock.advance(days=2)


@pytest.mark.slow
@postgresql
async def test_an_attempt_and_a_success_never_wait_for_each_other(
    failures: LoginFailures, work: Work
) -> None:
    """Of two who each hold a counter that the other wants, PostgreSQL ends one."""
    await failures.begin("ada", HERE)
    async with work.database.write() as db:
        # Somebody else counts at the account, so that both have to wait in the middle.
        account = "SELECT 1 FROM rate_limits ORDER BY expires_at DESC LIMIT 1 FOR UPDATE"
        await db.execute(text(account))
        success = asyncio.create_task(failures.succeeded("ada", HERE))
        await asyncio.wait({success}, timeout=0.1)
        attempt = asyncio.create_task(failures.begin("ada", HERE))
        await asyncio.wait({success, attempt}, timeout=0.1)
    await asyncio.gather(success, attempt)


@postgresql
async def test_the_housekeeper_waits_for_nobody_who_counts(
    failures: LoginFailures, clock: FrozenClock, work: Work
) -> None:
    await fail(failures, 1)
    clock.advance(days=2)
    async with work.database.write() as db:
        await db.execute(text("SELECT 1 FROM rate_limits LIMIT 1 FOR UPDATE"))
        assert await prune_all(work) == 1
    assert await prune_all(work) == 1


@sqlite
async def test_nothing_typed_is_kept_in_clear(failures: LoginFailures, database: Database) -> None:
    await fail(failures, 2, account="correct horse battery staple")
    async with database.read() as db:
        keys = (await db.execute(text("SELECT key FROM rate_limits"))).scalars().all()
    assert {len(key) for key in keys} == {64}
    assert all(set(key) <= set("0123456789abcdef") for key in keys)


@pytest.mark.valkey
@pytest.mark.parametrize("storage", ["valkey"], indirect=True)
@sqlite
async def test_nor_in_valkey_where_everything_has_its_end(
    failures: LoginFailures, valkey: ValkeyServer
) -> None:
    await fail(failures, 2, account="correct horse battery staple")
    keys = valkey.execute("KEYS", "*")
    assert {len(key) for key in keys} == {len("dhq-auth:") + 64}
    assert all(set(key.removeprefix("dhq-auth:")) <= set("0123456789abcdef") for key in keys)
    ends = sorted(int(valkey.execute("TTL", key)[0]) for key in keys)
    assert 890 <= ends[0] <= 900
    assert 86390 <= ends[1] <= 86400


async def test_without_its_storage_nobody_may_try(clock: FrozenClock) -> None:
    away = Database("postgresql://ada@127.0.0.1:1/x", pool=1, timeout=5)
    failures = LoginFailures(from_environ({}), Work(away, clock, announce))
    for attempt in (failures.begin, failures.check, failures.succeeded):
        with pytest.raises(Unavailable):
            await attempt("ada", HERE)
    await failures.close()
    await away.close()
