"""The one place that knows how a refusal looks: RFC 9457 for programs, a page for people."""

import http
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from dhq_auth.errors import AuthError, InvalidRequest, MethodNotAllowed, NotFound, PayloadTooLarge
from dhq_auth.web.accept import preferences
from dhq_auth.web.client import REFUSED, REQUEST_ID
from dhq_auth.web.render import Pages

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def error_middleware(pages: Pages) -> Middleware:
    """Make the middleware that turns whatever is raised into an answer."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except AuthError as error:
            return refusal(request, error, pages)
        except web.HTTPException as error:
            return refusal(request, _in_our_words(error), pages)
        except Exception as error:
            # A fault of ours: the log has the trace, the caller a number to quote.
            log.exception(
                "%s %s failed", request.method, request.path.encode("ascii", "backslashreplace"),
                extra={"request_id": request.get(REQUEST_ID), "error": type(error).__name__},
            )  # fmt: skip
            return refusal(request, AuthError(), pages)

    return answer_errors


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
