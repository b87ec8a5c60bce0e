"""When a delivery that failed is tried again."""

from datetime import timedelta

import pytest

from dhq_auth.outbox.schedule import JITTER, TRIES, WAITS, wait_after

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("attempt", range(1, TRIES))
def test_each_wait_is_that_of_the_schedule_and_a_little_more(attempt: int) -> None:
    waits = {wait_after(attempt) for _ in range(50)}
    assert len(waits) > 1
    for wait in waits:
        assert wait is not None
        assert WAITS[attempt - 1] <= wait <= WAITS[attempt - 1] * (1 + JITTER)


@pytest.mark.parametrize("attempt", [TRIES, TRIES + 1, 1000])
@pytest.mark.parametrize("asked", [None, HOUR])
def test_after_the_last_try_there_is_none(attempt: int, asked: timedelta | None) -> None:
    assert wait_after(attempt, asked) is None


def test_ten_tries_take_between_three_and_five_days() -> None:
    assert TRIES == 10
    assert timedelta(days=3) < sum(WAITS, timedelta()) * (1 + JITTER) < timedelta(days=5)
    assert list(WAITS) == sorted(WAITS)


@pytest.mark.parametrize(
    ("attempt", "asked", "least"),
    [
        (1, HOUR, HOUR),
        (1, timedelta(), WAITS[0]),
        (1, timedelta(seconds=-5), WAITS[0]),
        (1, timedelta(days=999_999_999), timedelta(days=1)),
        (9, HOUR, WAITS[8]),
    ],
)
def test_a_receiver_may_ask_for_more_time_but_neither_for_less_nor_for_ever(
    attempt: int, asked: timedelta, least: timedelta
) -> None:
    wait = wait_after(attempt, asked)
    assert wait is not None
    assert least <= wait <= least * (1 + JITTER)
