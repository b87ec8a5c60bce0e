import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools.bench import report, wrk
from tools.bench.figures import BARE, Figures, spread
from tools.bench.measure import Plan
from tools.bench.own.server import DhqAuth
from tools.bench.peers import PEERS
from tools.bench.plot import plot
from tools.bench.wrk import Load, LoadFailed, parsed

SAID = """\
Running 2s test @ http://127.0.0.1:8000/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.89ms  620.91us   2.00s    80.00%
    Req/Sec     6.00k     5.66    10.00k   100.00%
  Latency Distribution
     50%  870.00us
     75%    1.90ms
     90%    2.00ms
     99%    1.50s
  4100 requests in 2.05s, 8.12KB read
Requests/sec:   2000.00
Transfer/sec:      4.00KB
"""
MACHINE = report.Machine("a processor", 2, 23.5, "Linux 6", "3.11.7", "4.1.0")
PLAN = Plan(3, 2, (1, 32), 1, (), Path(), Path())


@pytest.fixture
def figures() -> Figures:
    made = Figures()
    for server, rates in (("dhq-auth", [90.0, 100.0, 120.0]), ("glewlwyd", [50.0, 50.0, 50.0])):
        row = made.row(server, "check", 32)
        row.rates += rates
        row.ratios += [rate / 1000 for rate in rates]
        row.cpu_ms += [1.0, 2.0, 3.0]
        row.p99_ms += [4.0, 5.0, 6.0]
        made.weight(server, "1").starts += [0.5, 0.25, 0.75]
        made.weight(server).idle.append(40.0)
        made.weight(server).loaded.append(50.0)
    made.note("two over one", "", 1.5)
    made.not_run["canaille"] = "npm is <missing>"
    return made


def test_what_wrk_says_is_read() -> None:
    answered = parsed(SAID)
    assert (answered.requests, answered.seconds, round(answered.rate)) == (4100, 2.05, 2000)
    assert answered.percentiles == {50.0: 0.87, 75.0: 1.9, 90.0: 2.0, 99.0: 1500.0}
    assert answered.p99 == 1500.0
    assert (answered.refused, answered.broken) == (0, 0)


def test_refusals_and_broken_connections_are_counted() -> None:
    torn = "  Socket errors: connect 1, read 2, write 3, timeout 4\n"
    answered = parsed(f"{SAID}{torn}  Non-2xx or 3xx responses: 17\n")
    assert (answered.refused, answered.broken) == (17, 10)


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


def test_the_report_has_medians_ratios_and_what_was_not_run(figures: Figures) -> None:
    text = report.markdown(figures, MACHINE, [DhqAuth(), *PEERS], PLAN)
    assert "| dhq-auth | 100 ± 15% | 0.1 | 2 | 5 |" in text
    assert text.index("| dhq-auth | 100") < text.index("| glewlwyd | 50")
    assert "| two over one | 1.5 | 1.5 | 1.5 |" in text
    assert "- canaille: npm is <missing>" in text
    assert all(peer.version in text for peer in PEERS)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12345.6, "12,346"), (123.4, "123"), (12.34, "12.3"), (0.01234, "0.0123"), (math.nan, "-")],
)
def test_numbers_have_three_digits_that_count(value: float, shown: str) -> None:
    assert report.number(value) == shown


def test_the_picture_is_svg_with_a_bar_for_each_server(figures: Figures) -> None:
    figures.weight(BARE).starts.append(0.1)
    root = ET.fromstring(plot(figures))  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    assert len([each for each in root.iter() if each.get("class") == "own"]) == 3
    assert "prefers-color-scheme: dark" in plot(figures)
