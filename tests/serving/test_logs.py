"""What is logged can be read, by people or by machines, and is one record per line."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from dhq_auth import logs

LOGGER = logging.getLogger("dhq_auth.tests")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Give what is logged; afterwards, logging is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in logs._CHATTY}
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    root.handlers[:], root.level, logging.raiseExceptions = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def fail() -> None:
    raise ValueError("http://localhost/?jwt=secret&a=b\n2030-01-01 forged")


def test_json_is_one_object_per_line_with_the_extra_fields(stream):
    logs.configure("info", "json", stream)
    LOGGER.info("one\ntwo %s", "\x1b[31m", extra={"request_id": "r-1", "path": "/\ud800"})
    LOGGER.warning("three")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info",
        "logger": "dhq_auth.tests",
        "message": "one\ntwo \x1b[31m",
        "request_id": "r-1",
        "path": "/\ud800",
    }
    assert second["level"] == "warning"


def test_extra_fields_cannot_take_the_place_of_ours(stream):
    logs.configure("info", "json", stream)
    LOGGER.info("true", extra={"level": "forged", "time": "forged"})
    fields = json.loads(stream.getvalue())
    assert fields["level"] == "info"
    assert fields["time"] != "forged"


@pytest.mark.parametrize(
    "odd", ["\n", "\r", "\x1b[2J", "\x85", "\u2028", "\u202e", "\x00", "\ud800"]
)
def test_text_is_one_line_whatever_is_in_it(stream, odd):
    logs.configure("info", "text", stream)
    LOGGER.info("a%sb", odd, extra={"path": odd})
    text = stream.getvalue()
    assert text.isascii()
    assert text.count("\n") == len(text.splitlines()) == 1
    assert text[:-1].isprintable()


def test_text_names_what_the_message_does_not_tell(stream):
    logs.configure("info", "text", stream)
    told = {"status": 200}
    LOGGER.info("%(status)d", told, extra=told | {"request_id": "r-1"})
    assert stream.getvalue().endswith("INFO    dhq_auth.tests: 200 request_id=r-1\n")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_is_told_without_queries_and_forges_no_line(stream, form):
    logs.configure("info", form, stream)
    try:
        fail()
    except ValueError:
        LOGGER.exception("it failed")
    text = stream.getvalue()
    assert "secret" not in text
    assert "in fail" in text
    assert "ValueError" in text
    starts = [line for line in text.splitlines() if not line.startswith("    ")]
    assert len(starts) == 1


@pytest.fixture
def in_a_request() -> Iterator[None]:
    """Log as while a request is answered."""
    token = logs.REQUEST.set(("r-1", "t" * 32))
    yield
    logs.REQUEST.reset(token)


@pytest.mark.usefixtures("in_a_request")
def test_every_record_of_a_request_names_it_and_its_trace(stream):
    logs.configure("info", "json", stream)
    LOGGER.info("ours")
    logging.getLogger("some.library").warning("theirs")
    LOGGER.info("another", extra={"request_id": "r-2"})
    first, second, third = map(json.loads, stream.getvalue().splitlines())
    assert (first["request_id"], first["trace_id"]) == ("r-1", "t" * 32)
    assert (second["request_id"], second["trace_id"]) == ("r-1", "t" * 32)
    assert third["request_id"] == "r-2"


@pytest.mark.usefixtures("in_a_request")
def test_what_is_begun_by_a_request_names_it_too(stream):
    logs.configure("info", "json", stream)

    async def later() -> None:
        LOGGER.info("in a task of its own")

    async def request() -> None:
        await asyncio.create_task(later())

    asyncio.run(request())
    assert json.loads(stream.getvalue())["request_id"] == "r-1"


def test_outside_of_requests_there_is_no_request(stream):
    logs.configure("info", "json", stream)
    LOGGER.info("x")
    assert not {"request_id", "trace_id"} & json.loads(stream.getvalue()).keys()


@pytest.mark.usefixtures("in_a_request")
def test_people_are_spared_the_trace(stream):
    logs.configure("info", "text", stream)
    LOGGER.info("x")
    assert stream.getvalue().endswith("INFO    dhq_auth.tests: x request_id=r-1\n")


def test_a_line_of_json_begins_with_what_is_ours(stream):
    logs.configure("info", "json", stream)
    LOGGER.info("x", extra={"address": "1", "path": "2"})
    assert list(json.loads(stream.getvalue()))[:4] == ["time", "level", "logger", "message"]


def test_levels_are_kept_and_libraries_stay_quiet_about_values(stream):
    logs.configure("debug", "text", stream)
    LOGGER.debug("ours")
    logging.getLogger("aiosqlite").debug("executing with a password hash")
    assert "ours" in stream.getvalue()
    assert "hash" not in stream.getvalue()
    logs.configure("error", "text", stream)
    LOGGER.warning("too little")
    assert "too little" not in stream.getvalue()


def test_the_form_is_json_where_there_is_no_terminal(stream):
    logs.configure("info", None, stream)
    LOGGER.info("x")
    assert json.loads(stream.getvalue())["message"] == "x"


def test_a_log_that_cannot_be_written_stops_nobody(stream):
    logs.configure("info", "text", stream)
    stream.close()
    LOGGER.info("into nothing")
