"""`traceparent`, which anybody may send (W3C Trace Context 3.2)."""

import sys
from subprocess import run

import pytest

from dhq_auth.tracing import continued

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"00-{TRACE}-{PARENT}-00", False),
        (f"00-{TRACE}-{PARENT}-ff", True),
        (f"cc-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-01-what-later-versions-add", True),
    ],
)
def test_a_trace_that_is_named_properly_is_continued(header: str, sampled: object) -> None:
    trace = continued([header])
    assert (trace.trace_id, trace.parent_id, trace.sampled) == (TRACE, PARENT, sampled)


@pytest.mark.parametrize(
    "headers",
    {
        "none": [],
        "empty": [""],
        "two": [f"00-{TRACE}-{PARENT}-01"] * 2,
        "upper case": [f"00-{TRACE.upper()}-{PARENT}-01"],
        "no trace": [f"00-{'0' * 32}-{PARENT}-01"],
        "no parent": [f"00-{TRACE}-{'0' * 16}-01"],
        "version ff": [f"ff-{TRACE}-{PARENT}-01"],
        "version 00 with more": [f"00-{TRACE}-{PARENT}-01-more"],
        "more without a dash": [f"cc-{TRACE}-{PARENT}-01more"],
        "short": [f"00-{TRACE[:-1]}-{PARENT}-01"],
        "no flags": [f"00-{TRACE}-{PARENT}"],
        "other digits": [f"00-{TRACE[:-1]}\u0663-{PARENT}-01"],
        "a line end": [f"00-{TRACE}-{PARENT}-01\n"],
        "a blank": [f" 00-{TRACE}-{PARENT}-01"],
        "huge": [f"cc-{TRACE}-{PARENT}-01-" + "x" * 100_000],
        "raw bytes": ["\udcff" * 55],
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_not_exactly_one_begins_a_trace_of_its_own(
    headers: tuple[str, list[str]],
) -> None:
    trace = continued(headers[1])
    assert trace.trace_id != TRACE
    assert len(trace.trace_id) == 32
    assert trace.parent_id is None


@pytest.mark.slow
def test_without_an_endpoint_nothing_of_opentelemetry_is_loaded() -> None:
    code = (
        "import sys; from dhq_auth import tracing; import dhq_auth.db; tracing.configure({});"
        "assert not [m for m in sys.modules if m.startswith(('opentelemetry', 'google.protobuf'))];"
        "assert not tracing.is_on()"
    )
    run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own
