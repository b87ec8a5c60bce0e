"""The outermost middleware: gives a request its names, and counts, times and traces it."""

import secrets
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from dhq_auth import logs, tracing
from dhq_auth.errors import AuthError, TooManyRequests
from dhq_auth.metrics import Metrics
from dhq_auth.web.client import REFUSED, REQUEST_ID, TRACE_ID

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
UNMATCHED: Final = "unmatched"
"""The route of what is at no address of ours: whatever somebody thinks of."""
LIMITS: Final = (
    *("login_failures", "login_starts", "password_checks", "policy_questions", "setup"),
    "token_reports",
)
"""What `TooManyRequests.limit` is; what is not here is counted as `other`."""
GONE: Final = 499
"""The status where the caller has left before his answer, as nginx has it."""


class Requests:
    """The numbers of requests: which route, how answered, how long that took."""

    def __init__(self, metrics: Metrics) -> None:
        self._total = metrics.counter(
            "http_requests_total", "Requests answered.", route=None, method=METHODS, status=None
        )
        self._took = metrics.histogram(
            "http_request_duration_seconds",
            "Seconds from a request's headers to its answer.",
            route=None,
            method=METHODS,
        )
        self._under_way = 0
        under_way = metrics.gauge("http_requests_in_progress", "Requests under way.")
        metrics.watch(lambda: under_way.set(self._under_way))
        self._refused = metrics.counter(
            "rate_limit_refusals_total", "Requests answered by 429, by limit.", limit=LIMITS
        )

    def middleware(self) -> Middleware:
        """Make the middleware; everything that is logged inside names the request."""

        @web.middleware
        async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
            began, route = perf_counter(), route_of(request)
            method = request.method if request.method in METHODS else "other"
            request_id = request[REQUEST_ID] = secrets.token_hex(8)
            status = GONE
            self._under_way += 1
            try:
                with tracing.serving(
                    f"{method} {route}",
                    request.headers.getall("traceparent", ()),
                    http_request_method=method,
                    http_route=route,
                    dhq__auth_request__id=request_id,
                ) as span:
                    request[TRACE_ID] = span.trace_id
                    within = logs.REQUEST.set((request_id, span.trace_id))
                    try:
                        response = await handler(request)
                    finally:
                        logs.REQUEST.reset(within)
                    status = response.status
                    span.tell(http_response_status__code=status)
                    return response
            finally:
                self._under_way -= 1
                self._total.inc(route, method, str(status))
                self._took.observe(perf_counter() - began, route, method)
                self._note_limit(request.get(REFUSED))

        return observe

    def _note_limit(self, refused: AuthError | None) -> None:
        if isinstance(refused, TooManyRequests):
            self._refused.inc(refused.limit)


def route_of(request: web.Request) -> str:
    """Return the template of the address that *request* is for: never what stands in its places."""
    resource = request.match_info.route.resource
    if resource is None:
        return UNMATCHED
    return resource.canonical.rstrip("/") or "/"
