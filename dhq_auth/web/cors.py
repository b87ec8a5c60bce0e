"""The pages from elsewhere that may call us: those of ALLOWED_ORIGINS, never with cookies.

A preflight is answered before any credential is looked at (Fetch standard, CORS protocol).
"""

from typing import Final

from aiohttp import hdrs, web

from dhq_auth.redirects import Origin
from dhq_auth.settings import Settings
from dhq_auth.web.routing import ADDRESSES, Address

CALLABLE_HEADERS: Final = "Authorization, Auth-Token, Content-Type"
READABLE_HEADERS: Final = "Retry-After, WWW-Authenticate, X-Request-Id"
PREFLIGHT_LIFETIME: Final = 600
_ASKED_FOR: Final = "Access-Control-Request-Method"


class Cors:
    """Who may call what from a page."""

    def __init__(self, settings: Settings) -> None:
        self._patterns = settings.allowed_origins or ()

    async def preflight(self, request: web.Request) -> web.Response | None:
        """Return the answer to OPTIONS as a browser asks before it calls; None if it does not."""
        if _ASKED_FOR not in request.headers:
            return None
        meant = request.clone(method=request.headers[_ASKED_FOR])
        resource = (await request.app.router.resolve(meant)).route.resource
        methods = _methods_at(request, request.path if resource is None else resource.canonical)
        if not methods:
            return None
        response = web.Response(status=204)
        if self._permitted(request, response):
            response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(methods))
            response.headers["Access-Control-Allow-Headers"] = CALLABLE_HEADERS
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_LIFETIME)
        return response

    def permit(self, request: web.Request, response: web.StreamResponse, address: Address) -> None:
        """Let the page that has sent *request* to *address* read *response*, if it may."""
        # A method that an address does not have is refused, and the page may read that, too.
        if address.methods or _methods_at(request, request.path):
            self._permitted(request, response)

    def _permitted(self, request: web.Request, response: web.StreamResponse) -> bool:
        headers = response.headers
        headers.add(hdrs.VARY, "Origin")
        if hdrs.ORIGIN not in request.headers:
            return False
        origin = ",".join(request.headers.getall(hdrs.ORIGIN))
        if not self._allows(origin):
            return False
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = READABLE_HEADERS
        return True

    def _allows(self, origin: str) -> bool:
        try:
            caller = Origin.of(origin)
        except ValueError:
            return False
        return str(caller) == origin and any(each.allows(caller) for each in self._patterns)


def _methods_at(request: web.Request, path: str) -> frozenset[str]:
    address = request.app[ADDRESSES].get(path)
    return address.methods if address else frozenset()
