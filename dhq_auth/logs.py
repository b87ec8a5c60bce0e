"""What is logged, as text for people or as JSON for machines; one record can never pass for two.

What callers send may end up in a message. In JSON it is escaped by the encoding; in text every
character that is not printable is written as its escape, and a traceback is indented, so that only
a record of ours starts at the beginning of a line. Query strings, which may carry a token, are
taken out of exceptions.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TextIO

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUERY: Final = re.compile(r"\?[^\s'\"<>]*=[^\s'\"<>]*")
_ENCODE: Final = json.JSONEncoder(default=str).encode
_CHATTY: Final = (
    *("aiohttp", "aiosqlite", "alembic", "asyncio", "opentelemetry", "requests", "sqlalchemy"),
    "urllib3",
)
"""Libraries that tell every step, some with the values that pass through them."""

REQUEST: Final = ContextVar[tuple[str, str] | None]("REQUEST", default=None)
"""The id and the trace id of the request that is being answered: every record inside has them."""


def configure(level: str, form: str | None = None, stream: TextIO | None = None) -> None:
    """Log to *stream* (default: standard error) what is *level* or worse.

    *form* is `text` or `json`; None means text on a terminal and JSON elsewhere.
    """
    stream = stream or sys.stderr
    form = form or ("text" if stream.isatty() else "json")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    least = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=least, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a log that cannot be written fails no request
    # What no format of ours shows need not be found out for every record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, then whatever `extra` holds.

    What is logged while a request is answered has its `request_id` and `trace_id`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line."""
        # In this order, so that what stands at the beginning of a line is always ours.
        fields: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = fields | _extra(record) | fields
        if trace := _trace(self, record):
            fields["exception"] = trace
        return _ENCODE(fields)


class TextFormatter(logging.Formatter):
    """One line per record, with what `extra` holds beyond the message; tracebacks are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line, and its traceback below."""
        told = {*record.args} if isinstance(record.args, Mapping) else set()
        extra = _extra(record)
        told.add("trace_id")  # for machines
        rest = "".join(f" {name}={extra[name]}" for name in extra if name not in told)
        line = f"{record.levelname:<7} {record.name}: {record.getMessage()}{rest}"
        lines = [f"{_time(record)} {line}", *_trace(self, record).splitlines()]
        return "\n    ".join(map(escaped, lines))


def escaped(text: str) -> str:
    """Return *text* with an escape in place of every character that is not printable."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _time(record: logging.LogRecord) -> str:
    """Return when *record* was made (RFC 3339, UTC)."""
    second, rest = divmod(record.created, 1)
    return f"{_to_the_second(int(second))}.{int(rest * 1000):03}Z"


@lru_cache(maxsize=2)
def _to_the_second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if request := REQUEST.get():
        extra.setdefault("request_id", request[0])
        extra.setdefault("trace_id", request[1])
    return extra


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return _QUERY.sub("?…", "\n".join(parts))
