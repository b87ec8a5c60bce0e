"""What happens to each request, whatever it is for, once it has its names (`observe`)."""

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from dhq_auth.settings import Settings
from dhq_auth.web.client import CLIENT_ADDRESS, client_address
from dhq_auth.web.cors import Cors
from dhq_auth.web.errors import answer_to
from dhq_auth.web.headers import Headers
from dhq_auth.web.life import Life
from dhq_auth.web.render import Pages
from dhq_auth.web.routing import ADDRESS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer_middleware(settings: Settings, pages: Pages, life: Life) -> Middleware:
    """Make the middleware that has a handler answer, and what it raises answered, as we do.

    One for all of it: each middleware costs every request a coroutine.
    """
    proxies, cors, headers = settings.trusted_proxies, Cors(settings), Headers(settings)

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = request[ADDRESS]
        request[CLIENT_ADDRESS] = client_address(request, proxies)
        response: web.StreamResponse | None = None
        if request.method == hdrs.METH_OPTIONS:
            response = await cors.preflight(request)
        if response is None:
            try:
                life.admit(address)
                response = await handler(request)
            except Exception as error:  # noqa: BLE001 - nothing may leave without an answer of ours
                response = answer_to(request, error, pages)
            cors.permit(request, response, address)
        headers.put(request, response)
        return response

    return answer
