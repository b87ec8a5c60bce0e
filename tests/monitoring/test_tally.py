"""What is counted by the way comes to what `observe` would have made of it."""

from dhq_auth.metrics import Metrics

AMOUNTS = (0.0, 0.005, 0.0050001, 0.2, 10.0, 11.0, 3600.0, 0.2)


def test_amounts_that_are_told_together_are_those_that_are_told_one_by_one() -> None:
    one, other = Metrics(), Metrics()
    by_one = one.histogram("took_seconds", "Seconds.", way=None)
    together = other.histogram("took_seconds", "Seconds.", way=None)
    tally = together.tally()
    for amount in AMOUNTS:
        by_one.observe(amount, "there")
        tally.note(amount)
    together.tell(tally, "there")
    together.tell(tally, "there")  # it is told once
    assert other.exposition() == one.exposition()
    assert b'took_seconds_bucket{le="+Inf",way="there"} 8.0' in other.exposition()


def test_what_is_told_later_is_added() -> None:
    metrics = Metrics()
    took = metrics.histogram("took_seconds", "Seconds.", buckets=(1.0, 2.0))
    tally = took.tally()
    for _ in range(3):
        tally.note(1.5)
        took.tell(tally)
    assert b"took_seconds_count 3.0\n" in metrics.exposition()
    assert b"took_seconds_sum 4.5\n" in metrics.exposition()
