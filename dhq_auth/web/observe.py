"""The outermost middleware: gives a request its names, and counts, times and traces it."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from time import perf_counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from dhq_auth import logs, tracing
from dhq_auth.errors import AuthError, TooManyRequests
from dhq_auth.metrics import OTHER, Metrics, Tally
from dhq_auth.web.client import REFUSED, REQUEST_ID, TRACE_ID
from dhq_auth.web.repeat import HOLDS, NOTE
from dhq_auth.web.routing import ADDRESS, Address, address_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LIMITS: Final = (
    *("login_failures", "login_starts", "password_checks", "policy_questions", "setup"),
    "token_reports",
)
"""What `TooManyRequests.limit` is; what is not here is counted as `other`."""
GOOD: Final = HTTPStatus.OK.value
TOO_MANY: Final = HTTPStatus.TOO_MANY_REQUESTS.value
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
        self._tallies: dict[tuple[str, str, int], Tally] = {}
        self._under_way = 0
        under_way = metrics.gauge("http_requests_in_progress", "Requests under way.")
        metrics.watch(lambda: under_way.set(self._under_way))
        metrics.watch(self._tell)
        self._refused = metrics.counter(
            "rate_limit_refusals_total", "Requests answered by 429, by limit.", limit=LIMITS
        )

    def middleware(self) -> Middleware:
        """Make the middleware; everything that is logged inside names the request."""

        @web.middleware
        async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
            began, status = perf_counter(), GONE
            address = request[ADDRESS] = address_of(request)
            request[REQUEST_ID] = tracing.new_id(8)
            self._under_way += 1
            try:
                if tracing.is_on():
                    response = await _traced(request, address, handler)
                else:
                    _name(request, tracing.trace_id(_traceparent(request)))
                    response = await handler(request)
                    if HOLDS in request:
                        request[NOTE] = self._tally(address.route, request.method, GOOD).note
                status = response.status
                return response
            finally:
                logs.REQUEST.set(None)
                self._under_way -= 1
                tally = self._tally(address.route, request.method, status)
                tally.note(perf_counter() - began)
                if status == TOO_MANY:
                    self._note_limit(request[REFUSED])

        return observe

    def _tally(self, route: str, method: str, status: int) -> Tally:
        """Return what such requests are counted in."""
        return self._tallies.get((route, method, status)) or self._new(route, method, status)

    def _new(self, route: str, method: str, status: int) -> Tally:
        # Of methods there are as many as callers think of.
        method = method if method in METHODS else OTHER
        return self._tallies.setdefault((route, method, status), self._took.tally())

    def _tell(self) -> None:
        """Tell what was counted since the last time."""
        for (route, method, status), tally in self._tallies.items():
            if number := sum(tally.counts):
                self._total.inc(route, method, str(status), by=number)
                self._took.tell(tally, route, method)

    def _note_limit(self, refused: AuthError) -> None:
        if isinstance(refused, TooManyRequests):
            self._refused.inc(refused.limit)


async def _traced(request: web.Request, address: Address, handler: Handler) -> web.StreamResponse:
    method = request.method if request.method in METHODS else OTHER
    with tracing.serving(
        f"{method} {address.route}",
        _traceparent(request),
        http_request_method=method,
        http_route=address.route,
        dhq__auth_request__id=request[REQUEST_ID],
    ) as span:
        _name(request, span.trace_id)
        response = await handler(request)
        span.tell(http_response_status__code=response.status)
        return response


def _name(request: web.Request, trace_id: str) -> None:
    """Let what is logged from now on name *request*."""
    request[TRACE_ID] = trace_id
    logs.REQUEST.set((request[REQUEST_ID], trace_id))


def _traceparent(request: web.Request) -> list[str]:
    return request.headers.getall("traceparent", [])
