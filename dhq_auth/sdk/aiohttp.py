"""A middleware for aiohttp: every request gets its caller, every refusal its answer.

verifier = Verifier("https://login.example.com", service="notes")
app = web.Application(middlewares=[middleware(verifier)])

async def notes(request):
    decision = await verifier.decide(request[CALLER], "notes", "read")
"""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from dhq_auth.sdk.caller import ANONYMOUS, Caller
from dhq_auth.sdk.presented import presented
from dhq_auth.sdk.refusal import REFUSED, Refusal, missing, refusal
from dhq_auth.sdk.verifier import Verifier

CALLER: Final = web.RequestKey("dhq_auth.caller", Caller)
"""Under which a request holds its Caller."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def middleware(verifier: Verifier, *, required: bool = False) -> Middleware:
    """Make the middleware that puts the caller into `request[CALLER]`.

    Who presents nothing is ANONYMOUS, or with *required* refused; who presents a token that does
    not hold is refused in any case. Denied, raised by a handler, is answered with 401 or 403,
    Unavailable with 503.
    """

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            request[CALLER] = caller = await _caller(request, verifier)
            if required and not caller.is_authenticated:
                return _response(missing())
            return await handler(request)
        except REFUSED as error:
            if request.writer.output_size > 0:  # the answer has begun already
                raise
            return _response(refusal(error))

    return authenticate


async def _caller(request: web.Request, verifier: Verifier) -> Caller:
    headers = request.headers
    token = presented(
        headers.getall("Authorization", ()),
        headers.getall("Auth-Token", ()),
        request.rel_url.raw_query_string,
    )
    return ANONYMOUS if token is None else await verifier.verify_async(token)


def _response(answer: Refusal) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
