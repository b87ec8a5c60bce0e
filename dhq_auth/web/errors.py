"""The one place that knows how a refusal looks: RFC 9457 for programs, a page for people."""

import http
import logging

from aiohttp import web

from dhq_auth.errors import AuthError, InvalidRequest, MethodNotAllowed, NotFound, PayloadTooLarge
from dhq_auth.web.accept import preferences
from dhq_auth.web.client import REFUSED, REQUEST_ID
from dhq_auth.web.render import Pages

log = logging.getLogger(__name__)


def answer_to(request: web.Request, error: Exception, pages: Pages) -> web.Response:
    """Return the answer where *error* was raised instead of one; a fault of ours goes to the log."""
    if isinstance(error, web.HTTPException):
        error = _in_our_words(error)
    elif not isinstance(error, AuthError):
        # The log has the trace, the caller a number to quote.
        log.error(
            "%s %s failed", request.method, request.path.encode("ascii", "backslashreplace"),
            exc_info=error,
            extra={"request_id": request.get(REQUEST_ID), "error": type(error).__name__},
        )  # fmt: skip
        error = AuthError()
    return refusal(request, error, pages)


def refusal(request: web.Request, error: AuthError, pages: Pages) -> web.Response:
    """Return the answer to *request* that says *error*."""
    request[REFUSED] = error
    if wants_page(request):
        response = pages.render(
            request,
            "error.html",
            status=error.status,
            title=error.title,
            detail=error.detail,
            code=error.code,
            request_id=request.get(REQUEST_ID),
            way_back=error.way_back,
        )
    else:
        response = web.json_response(problem(error, request.get(REQUEST_ID)), status=error.status)
        response.content_type = "application/problem+json"
    response.headers.update(error.headers)
    return response


def problem(error: AuthError, request_id: str | None) -> dict[str, object]:
    """Return the Problem Details Object of *error* (RFC 9457 3.1)."""
    document = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "request_id": request_id,
        **error.extra,
    }
    return {**document, "detail": error.detail} if error.detail else document


def wants_page(request: web.Request) -> bool:
    """Whether a person will read the answer: HTML is accepted, and liked better than JSON."""
    liked = preferences(request, "Accept")
    json = (liked.get(f"application/{name}", 0) for name in ("json", "problem+json"))
    return liked.get("text/html", 0) > max(json)


def _in_our_words(error: web.HTTPException) -> AuthError:
    match error:
        case web.HTTPNotFound() | web.HTTPForbidden():  # a folder of /static is nothing to see
            return NotFound("There is nothing at this address.")
        case web.HTTPMethodNotAllowed():
            return MethodNotAllowed(sorted({*error.allowed_methods} - {"OPTIONS"}))
        case web.HTTPRequestEntityTooLarge():
            return PayloadTooLarge()
    if error.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return AuthError()
    return InvalidRequest()
