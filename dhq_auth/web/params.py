"""What a caller sent: the one reader of queries and bodies, for which nothing is a surprise."""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from aiohttp import web

from dhq_auth.errors import InvalidRequest, PayloadTooLarge, RequestTimeout, UnsupportedMediaType
from dhq_auth.message import Message
from dhq_auth.settings import Limits

MAX_FIELDS = 100
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
IN_BODY = frozenset({"password", "current_password", "new_password"})
"""What no address may carry: addresses are kept in histories and in the logs of proxies."""
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii"})
_UNSAFE = re.compile("[\x00\ud800-\udfff]")
# A string, even one that does not end, is one match: whatever is sent is read once.
_JSON_NESTING = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class Params(Mapping[str, Any]):
    """Parameters by name, from the query, from a form or from JSON; none stands there twice."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self._values: dict[str, Any] = {}
        for name, value in pairs:
            if name in self._values:
                raise InvalidRequest(
                    Message("The parameter {name!a} stands there more than once.", name=name[:40])
                )
            self._values[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def string(self, name: str) -> str | None:
        """Return the string *name* whatever it holds, None where it is missing, null or blank.

        Raises InvalidRequest if it is not a string.
        """
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise InvalidRequest(Message("The parameter {name} must be a text.", name=name))
        return value

    def text(self, name: str, *, max_length: int = 8192) -> str | None:
        """Return the text *name*, None where it is missing, null or blank.

        Raises InvalidRequest if it is not a string, longer than *max_length*, or holds characters
        that no text has (NUL, half a surrogate pair).
        """
        value = self.string(name)
        if value is None:
            return None
        if len(value) > max_length:
            raise InvalidRequest(
                Message(
                    "The parameter {name} is longer than {max_length} characters.",
                    name=name,
                    max_length=max_length,
                )
            )
        if _UNSAFE.search(value):
            raise InvalidRequest(
                Message("The parameter {name} holds a character that no text has.", name=name)
            )
        return value

    def required(self, name: str, *, max_length: int = 8192) -> str:
        """Return the text *name*, or raise InvalidRequest if it is missing."""
        value = self.text(name, max_length=max_length)
        if value is None:
            raise InvalidRequest(Message("The parameter {name} is missing.", name=name))
        return value

    def flag(self, name: str) -> bool:
        """Return the boolean *name*: JSON's, or `true` and `false` of a form; missing is false."""
        match self._values.get(name):
            case None | False | "" | "false":
                return False
            case True | "true":
                return True
        raise InvalidRequest(Message("The parameter {name} must be true or false.", name=name))


def query(request: web.Request) -> Params:
    """Return the parameters of the query."""
    return Params(_pairs(request.rel_url.raw_query_string, "query"))


async def params(request: web.Request, limits: Limits) -> Params:
    """Return the parameters of the query and of the body, a form or a JSON object.

    A name may stand in one of them only, a password in the body. Raises InvalidRequest, PayloadTooLarge,
    UnsupportedMediaType or RequestTimeout: whatever is sent, it is the caller's fault.
    """
    in_query = _pairs(request.rel_url.raw_query_string, "query")
    if any(name in IN_BODY for name, _ in in_query):
        raise InvalidRequest("Send a password in the body: an address is kept in many places.")
    if not request.can_read_body:
        return Params(in_query)
    encodings = ",".join(request.headers.getall("Content-Encoding", ())).lower()
    if encodings not in {"", "identity"}:
        raise UnsupportedMediaType("Send the body without Content-Encoding.")
    body = await _body(request, limits)
    if not body.strip():
        return Params(in_query)
    if (request.charset or "utf-8").lower() not in _UTF8:
        raise UnsupportedMediaType("Send the body in UTF-8.")
    match request.content_type:
        case "application/x-www-form-urlencoded":
            return Params([*in_query, *_pairs(_decoded(body), "form")])
        case "application/json":
            fields = _json_object(_decoded(body), limits.max_json_depth)
            return Params([*in_query, *fields.items()])
    raise UnsupportedMediaType(Message("Send {json} or {form}.", json=JSON, form=FORM))


async def _body(request: web.Request, limits: Limits) -> bytes:
    try:
        async with asyncio.timeout(limits.body_timeout):
            return await request.read()
    except TimeoutError:
        raise RequestTimeout(
            Message(
                "The body must arrive in {body_timeout:g} seconds.",
                body_timeout=limits.body_timeout,
            )
        ) from None
    except web.HTTPRequestEntityTooLarge:
        raise PayloadTooLarge(
            Message("A body has at most {max_body} bytes.", max_body=limits.max_body)
        ) from None
    except (web.RequestPayloadError, ConnectionError) as error:
        raise InvalidRequest("The body is incomplete or malformed.") from error


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not UTF-8.") from None


def _pairs(text: str, where: str) -> list[tuple[str, str]]:
    if not text:
        return []
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise InvalidRequest(
            Message(
                "The {where} is not percent-encoded UTF-8, or has over {max_fields} fields.",
                where=where,
                max_fields=MAX_FIELDS,
            )
        ) from None


def _json_object(text: str, max_depth: int) -> dict[str, Any]:
    if _depth(text) > max_depth:
        raise InvalidRequest(Message("JSON may be nested {max_depth} deep.", max_depth=max_depth))
    try:
        value = json.loads(
            text, object_pairs_hook=lambda pairs: dict(Params(pairs)), parse_constant=_no_json
        )
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON (RFC 8259 6)")


def _depth(text: str) -> int:
    """Return how deep the brackets of *text* nest, those inside strings left out."""
    depth = deepest = 0
    for token in _JSON_NESTING.finditer(text):
        if token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest
