"""What is logged can be read, by people or by machines, and is one record per line."""

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
