"""A rate limit holds whoever it is for, says for how long, and forgets."""

import pytest

from dhq_auth.errors import TooManyRequests
from dhq_auth.settings import from_environ
from dhq_auth.throttle.rates import MAX_CLIENTS, RateLimit
from tests.fixtures.service import FrozenClock


@pytest.fixture
def limit(clock: FrozenClock) -> RateLimit:
    return RateLimit(3, clock, "Too many logins were begun from here.", name="login_starts")


def spent(limit: RateLimit, address: str, times: int = 3) -> None:
    for _ in range(times):
        limit.spend(address)


def test_the_one_too_many_is_told_when_to_come_back(limit: RateLimit, clock: FrozenClock) -> None:
    spent(limit, "192.0.2.1")
    clock.advance(seconds=12.5)
    with pytest.raises(TooManyRequests) as refused:
        limit.spend("192.0.2.1")
    assert refused.value.headers == {"Retry-After": "48"}
    assert refused.value.detail == "Too many logins were begun from here."
    clock.advance(seconds=47.5)
    limit.spend("192.0.2.1")


def test_the_minute_slides(limit: RateLimit, clock: FrozenClock) -> None:
    for _ in range(10):
        limit.spend("192.0.2.1")
        clock.advance(seconds=20)
    limit.spend("192.0.2.1")


def test_a_refused_try_does_not_count(limit: RateLimit, clock: FrozenClock) -> None:
    spent(limit, "192.0.2.1")
    for _ in range(5):
        clock.advance(seconds=10)
        with pytest.raises(TooManyRequests):
            limit.spend("192.0.2.1")
    clock.advance(seconds=10)
    spent(limit, "192.0.2.1")


def test_each_address_has_a_limit_of_its_own(limit: RateLimit) -> None:
    for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", "unknown"):
        spent(limit, address)


def test_the_addresses_of_one_ipv6_network_are_one_client(limit: RateLimit) -> None:
    for number in range(3):
        limit.spend(f"2001:db8::{number:x}")
    with pytest.raises(TooManyRequests):
        limit.spend("2001:db8::ffff:1:2:3")


@pytest.mark.parametrize("hours", [-1, -1000, 1, 1000])
def test_a_clock_that_jumps_blocks_nobody(limit: RateLimit, clock: FrozenClock, hours: int) -> None:
    spent(limit, "192.0.2.1")
    clock.advance(hours=hours)
    spent(limit, "192.0.2.1")


def test_so_many_clients_are_remembered_and_the_idlest_is_forgotten(
    limit: RateLimit,
) -> None:
    spent(limit, "192.0.2.1")
    spent(limit, "192.0.2.2")
    for number in range(MAX_CLIENTS - 1):
        limit.spend(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(limit._spent) == MAX_CLIENTS
    with pytest.raises(TooManyRequests):
        limit.spend("192.0.2.2")
    limit.spend("192.0.2.1")


def test_a_limit_of_the_settings_is_the_limit(clock: FrozenClock) -> None:
    settings = from_environ({"PASSWORD_CHECKS": "2"})
    limit = RateLimit(
        settings.limits.password_checks, clock, "Too many passwords.", name="password_checks"
    )
    spent(limit, "192.0.2.1", times=2)
    with pytest.raises(TooManyRequests):
        limit.spend("192.0.2.1")
