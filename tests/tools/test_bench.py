import math
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools.bench import report, tables, wrk
from tools.bench.figures import BARE, Figures, Measured, spread
from tools.bench.measure import Bench, Plan
from tools.bench.own.names import AGAIN, GOOD, NEW
from tools.bench.own.server import DhqAuth
from tools.bench.own.verdicts import GOALS, Goal, first, found_for, verdict
from tools.bench.peers import PEERS
from tools.bench.peers.installation import files
from tools.bench.plot import plot
from tools.bench.process import NotRun, size
from tools.bench.wrk import Load, LoadFailed, parsed
from tools.bench.yardsticks import signatures

# What wrk has printed; behind "s" it writes a blank.
SAID = """\
Running 3s test @ http://127.0.0.1:18977/
  1 threads and 4 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   294.04ms  382.04ms   1.10s    78.95%
    Req/Sec    65.62     59.50   161.00     87.50%
  Latency Distribution
     50%  870.88us
     75%  599.94ms
     90%  934.38ms
     99%    1.10s\x20
  74 requests in 3.01s, 2.89KB read
Requests/sec:     24.61
Transfer/sec:      0.96KB
"""
TORN = "  Socket errors: connect 1, read 6, write 3, timeout 4\n  Non-2xx or 3xx responses: 7\n"
MACHINE = report.Machine("a processor", 2, 23.5, "Linux 6", "3.11.7", "20.1.0", "4.1.0")
PLAN = Plan(3, 2, (1, 32), 1, (), Path(), Path())
ALL = [DhqAuth(), *PEERS]


def filled() -> Figures:
    made = Figures()
    for server, rates in (("dhq-auth", [90, 100, 120]), ("glewlwyd", [50, 50, 50])):
        for rate, cpu_ms, p99 in zip(rates, (1, 2, 3), (4, 5, 6), strict=True):
            bare = Measured(1000, 0.1, 1)
            made.row(server, "check", 32).add(Measured(rate, cpu_ms, p99), bare)
        made.weight(server, "1").starts += [0.5, 0.25, 0.75]
        made.weight(server).idle.append(40.0)
        made.weight(server).loaded.append(50.0)
    return made


@pytest.fixture
def figures() -> Figures:
    made = filled()
    own = "dhq-auth, PostgreSQL"
    made.row(own, GOOD, 32).add(Measured(400, 0.125, 1, 0.25), Measured(1000, 0.1, 1))
    made.row(own, NEW, 32).add(Measured(1500, 0.5, 1, 0.25), Measured(10000, 0.1, 1))
    made.compare(NEW, "PostgreSQL", rate=0.7, cpu=0.9)
    made.versions["PostgreSQL"] = "18.1"
    made.note("raw signatures", "/s", 2300)
    made.miss("npm is <missing>", "oidc-provider")
    made.miss("8 of 9 requests were refused", "better-auth", "check", 32)
    return made


def test_what_wrk_says_is_read() -> None:
    answered = parsed(SAID)
    assert (answered.requests, answered.seconds, round(answered.rate, 2)) == (74, 3.01, 24.58)
    assert answered.percentiles == {50.0: 0.87088, 75.0: 599.94, 90.0: 934.38, 99.0: 1100.0}
    assert answered.p99 == 1100.0
    assert (answered.refused, answered.broken) == (0, 0)


def test_refusals_and_broken_connections_are_counted() -> None:
    answered = parsed(SAID + TORN)
    assert (answered.refused, answered.broken) == (7, 14)


def test_without_a_percentile_there_is_no_number() -> None:
    assert math.isnan(parsed("  0 requests in 1.00m, 0B read\n").p99)


def test_what_wrk_did_not_say_is_a_failure() -> None:
    with pytest.raises(LoadFailed, match="unable to connect"):
        parsed("unable to connect to 127.0.0.1:8000 Connection refused")


def test_a_plain_load_needs_no_script(tmp_path: Path) -> None:
    called = wrk.command("http://h", Load("/x", {"A": "b"}), 32, 2, tmp_path)
    assert called[-3:] == ["-H", "A: b", "http://h/x"]
    assert list(tmp_path.iterdir()) == []


def test_a_load_of_many_tokens_is_written_for_the_script(tmp_path: Path) -> None:
    load = Load("/x", {"A": "{token}"}, "POST", "body", ("t1", "t2"))
    called = wrk.command("http://h", load, 1, 2, tmp_path)
    lines = Path(called[-1]).read_text().split("\n")
    assert lines == ["POST", "/x", "1", "A", "{token}", "body", "once", "t1", "t2"]


def test_the_spread_is_around_the_median() -> None:
    found = spread([120.0, 90.0, 100.0])
    assert (found.median, found.least, found.greatest, found.width) == (100.0, 90.0, 120.0, 0.15)


def test_figures_are_read_as_they_were_kept(figures: Figures) -> None:
    assert Figures.read(figures.plain()) == figures


def test_ratios_are_to_the_bare_server_of_the_round(figures: Figures) -> None:
    row = figures.row("dhq-auth", "check", 32)
    assert row.by_rate == [0.09, 0.1, 0.12]
    assert row.by_cpu == [0.1, 0.05, pytest.approx(0.1 / 3)]


def test_a_round_without_the_bare_server_has_no_ratios() -> None:
    row = Figures().row("dhq-auth", "check", 32)
    row.add(Measured(90, 1, 4), None)
    assert (row.rates, row.by_rate, row.by_cpu) == ([90], [], [])


def test_the_report_has_medians_and_ratios(figures: Figures) -> None:
    text = report.markdown(figures, MACHINE, ALL, PLAN)
    assert "| dhq-auth | 100 ± 15% | 0.1 ± 15% | 2 ± 50% | 0.05 | 5 |" in text
    assert text.index("| dhq-auth | 100") < text.index("| glewlwyd | 50")
    assert "| Validate a token | dhq-auth, 2.0 times glewlwyd |" in text
    assert f"| {GOOD} | PostgreSQL | 400 | 0.4 | 0.125 | 0.8 | 1 | 0.25 |" in text
    assert "PostgreSQL 18.1. PostgreSQL is on the same machine." in text
    assert "| raw signatures |  | /s | 2,300 | 2,300 | 2,300 |" in text
    assert all(peer.version in text for peer in PEERS)


def test_the_report_says_in_its_row_why_a_peer_was_not_run(figures: Figures) -> None:
    text = report.markdown(figures, MACHINE, ALL, PLAN)
    assert "| oidc-provider | not run: npm is <missing> |" in text
    assert "| better-auth | not run: 8 of 9 requests were refused |" in text
    assert "- better-auth, check, 32 connections: 8 of 9 requests were refused" in text


def test_a_report_of_nothing_is_one() -> None:
    assert "# Benchmarks" in report.markdown(Figures(), MACHINE, [], PLAN)


def test_a_goal_is_met_by_either_ratio_and_says_by_which(figures: Figures) -> None:
    good, new = (next(goal for goal in GOALS if goal.what == name) for name in (GOOD, NEW))
    found = found_for(good, figures, "PostgreSQL")
    assert verdict(good, found) == "**met** by CPU: 0.40 by rate, 0.80 by CPU"
    assert verdict(good, found_for(good, figures, "SQLite")) == "not measured"
    found = found_for(new, figures, "PostgreSQL")
    assert verdict(new, found) == "**met** by CPU: 0.70 by rate, 0.90 by CPU"
    assert verdict(Goal(NEW, "", 1.5, way="rate"), found) == "not met: 0.70"
    assert verdict(Goal(NEW, "", most=3, way="rate"), found) == "**met**: 0.70"


def test_who_is_first_is_compared_with_the_next(figures: Figures) -> None:
    assert first(figures, "check", 32) == "dhq-auth, 2.0 times glewlwyd"
    assert first(figures, "check", 256) is None
    assert f"| {AGAIN} | ≥ 0.45 of bare | not measured | not measured |" in report.markdown(
        figures, MACHINE, ALL, PLAN
    )


def test_a_server_that_fails_ends_no_run() -> None:
    bench = Bench(PLAN)
    for error in (NotRun("no such program"), KeyError("token"), LoadFailed("refused")):
        with bench.attempt(type(error).__name__):
            raise error
    assert [each.why for each in bench.figures.missing.values()] == [
        "no such program",
        "KeyError: 'token'",
        "refused",
    ]


def test_the_first_reason_is_kept_and_the_nearest_is_said() -> None:
    figures = Figures()
    figures.miss("first", "a", "check", 1)
    figures.miss("second", "a", "check", 1)
    figures.miss("has none", "a", "keys")
    assert figures.why("a", "check", 1) == "first"
    assert figures.why("a", "keys", 256) == "has none"
    assert figures.why("a", "check", 256) is None


def test_tools_that_build_are_not_in_the_size_of_an_installation(tmp_path: Path) -> None:
    for name in ("lib/site-packages/setuptools/a.py", "lib/site-packages/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 4096)
    assert [path.name for path in files(tmp_path)] == ["b.py"]
    assert size(files(tmp_path)) == pytest.approx(4096 / 1024**2)


def test_raw_signatures_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.bench.yardsticks.SIGNING_SECONDS", 0.01)
    found = signatures()
    assert found.rate > 0
    assert found.cpu_ms > 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345.6, "12,346"), (123.4, "123"), (12.34, "12.3"), (0.01234, "0.0123"), (math.nan, "-")],
)
def test_numbers_have_three_digits_that_count(value: float, shown: str) -> None:
    assert tables.number(value) == shown


def bars(picture: str, kind: str) -> Iterator[ET.Element]:
    root = ET.fromstring(picture)  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    return (each for each in root.iter() if each.get("class") == kind)


def test_the_picture_has_a_bar_for_each_server(figures: Figures) -> None:
    figures.weight(BARE).starts.append(0.1)
    picture = plot(figures)
    # Requests, start and memory; what is about dhq-auth by itself is not drawn.
    assert len(list(bars(picture, "own"))) == 3
    assert len(list(bars(picture, "other"))) == 3
    assert len(list(bars(picture, "bare"))) == 1
    assert "prefers-color-scheme: dark" in picture
