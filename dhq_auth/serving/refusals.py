"""What is answered where no application has a say: to what cannot be parsed, or must not be."""

import json
import re
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import BadHttpMessage, BadHttpMethod, LineTooLong

from dhq_auth.errors import AuthError, InvalidRequest, MethodNotAllowed, UpstreamTimeout
from dhq_auth.tracing import new_id
from dhq_auth.web.errors import problem as problem_details
from dhq_auth.web.headers import SERVER

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PROBLEM: Final = "application/problem+json"
_HOST: Final = re.compile(
    r"[\w.~!$&'()*+,;=%-]*(?::[0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?", re.ASCII
)
# aiohttp shows the first line below its own words: a request of an unknown method, or garbage?
_UNKNOWN_METHOD: Final = re.compile(
    r"^ +b['\"][!#$%&'*+.^`|~\w-]+ \S+ HTTP/1\.[01]", re.ASCII | re.MULTILINE
)


class UriTooLong(InvalidRequest):
    """The address is longer than MAX_URL."""

    status = 414
    code = "uri_too_long"
    title = "The address is too long"


class HeadersTooLarge(InvalidRequest):
    """A header field is larger than MAX_HEADER, or there are too many (RFC 6585 5)."""

    status = 431
    code = "headers_too_large"
    title = "The headers are too large"


TOO_LARGE: Final = HeadersTooLarge("Send fewer or smaller headers; cookies count, too.")


class ExpectationFailed(InvalidRequest):
    """An `Expect` other than `100-continue` (RFC 9110 10.1.1)."""

    status = 417
    code = "expectation_failed"
    title = "This expectation cannot be met"


def problem(error: AuthError) -> web.Response:
    """Return *error* as an RFC 9457 answer after which the connection closes."""
    request_id = new_id(8)
    answer = web.Response(
        status=error.status,
        body=json.dumps(problem_details(error, request_id)).encode(),
        content_type=_PROBLEM,
        headers={
            hdrs.SERVER: SERVER,
            hdrs.CONNECTION: "close",
            hdrs.CACHE_CONTROL: "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Request-Id": request_id,
            **error.headers,
        },
    )
    answer.force_close()
    return answer


def unparsable(fault: BaseException, *, max_url: int) -> AuthError:
    """Return what *fault*, raised while a request was parsed, means to the caller.

    Its own words are not repeated: they quote what was sent. The limit that a LineTooLong names is
    *max_url* if the address was too long; else a field was.
    """
    match fault:
        case AuthError():
            return fault
        case LineTooLong(args=(_, limit, *_)):
            return UriTooLong(f"Keep it within {limit} bytes.") if limit == max_url else TOO_LARGE
        case BadHttpMethod() if _UNKNOWN_METHOD.search(fault.message):
            return MethodNotAllowed([*METHODS])
        case BadHttpMessage(message=message) if message.startswith("Too many headers"):
            return TOO_LARGE
    return InvalidRequest("This is not a well-formed HTTP/1.1 request.", code="malformed_request")


def failure(status: int) -> AuthError:
    """Return what to say when the application itself failed with *status*."""
    if status == 504:
        return UpstreamTimeout()
    return AuthError("The log has more, under this request_id.")


def objection(request: web.BaseRequest) -> AuthError | None:
    """Return why *request*, though it could be parsed, may not reach the application."""
    if request.method not in METHODS:
        return MethodNotAllowed([*METHODS])
    if not request.raw_path.isascii():
        return InvalidRequest("The address has characters that are not ASCII: percent-encode them.")
    if not _HOST.fullmatch(request.headers.get(hdrs.HOST, "")):
        return InvalidRequest("The Host header is not a host (RFC 9112 3.2).")
    if hdrs.TRANSFER_ENCODING in request.headers and request.version < (1, 1):
        return InvalidRequest("HTTP/1.0 knows no Transfer-Encoding (RFC 9112 6.1).")
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        return ExpectationFailed("Only 100-continue can be expected.")
    return None
