"""The headers that every answer carries, and the pages from elsewhere that may call us."""

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web
from aiohttp.typedefs import Middleware

from dhq_auth.redirects import Origin
from dhq_auth.settings import Settings
from dhq_auth.web.client import CLIENT_ADDRESS, REQUEST_ID, client_address
from dhq_auth.web.routing import CORS_PATHS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ELSEWHERE = web.RequestKey("ELSEWHERE", str)
"""Set where a proxy hands the answer on as that of another host: where our files are there."""

CALLABLE_HEADERS = "Authorization, Auth-Token, Content-Type"
READABLE_HEADERS = "Retry-After, WWW-Authenticate, X-Request-Id"
PREFLIGHT_LIFETIME = 600
STATIC_LIFETIME = 3600
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def policy_with_forms_to(targets: Iterable[str]) -> str:
    """Return the Content-Security-Policy of a page whose forms may end up at *targets*, too.

    Chromium holds `form-action` against each redirect that answers a form (CSP 3, 6.4.1).
    Raises ValueError for what is no address of http or https.
    """
    origins = (Origin.of(target) for target in targets)
    # No policy can name an IPv6 address: the grammar of hosts has none (CSP 3, 2.3.1).
    sources = (f"{each.scheme}:" if each.host.startswith("[") else str(each) for each in origins)
    allowed = " ".join(["form-action 'self'", *dict.fromkeys(sources)])
    return CONTENT_SECURITY_POLICY.replace("form-action 'self'", allowed)


def header_middleware(settings: Settings) -> Middleware:
    """Make the middleware that finds out who asks, and sets the headers of the answer."""

    @web.middleware
    async def set_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[CLIENT_ADDRESS] = client_address(request, settings.trusted_proxies)
        response = await handler(request)
        headers = response.headers
        headers["X-Request-Id"] = request[REQUEST_ID]
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers["Referrer-Policy"] = "no-referrer"
        if settings.is_https and ELSEWHERE not in request:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if response.content_type == "text/html":
            # With `no-referrer` browsers send our own forms with `Origin: null` (Fetch standard).
            headers["Referrer-Policy"] = "same-origin"
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["X-Frame-Options"] = "DENY"
        if isinstance(response, web.FileResponse):
            headers["Cache-Control"] = f"public, max-age={STATIC_LIFETIME}"
        headers.setdefault("Cache-Control", "no-store")
        return response

    return set_headers


def cors_middleware(settings: Settings) -> Middleware:
    """Make the middleware that lets the pages of ALLOWED_ORIGINS call the API, never with cookies.

    A preflight is answered before any credential is looked at (Fetch standard, CORS protocol).
    """

    def allowed(origin: str) -> bool:
        try:
            caller = Origin.of(origin)
        except ValueError:
            return False
        patterns = settings.allowed_origins or ()
        return str(caller) == origin and any(pattern.allows(caller) for pattern in patterns)

    @web.middleware
    async def answer_cors(request: web.Request, handler: Handler) -> web.StreamResponse:
        methods = request.app[CORS_PATHS].get(await _path_meant(request))
        if methods is None:
            return await handler(request)
        origin = ",".join(request.headers.getall("Origin", ()))
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response: web.StreamResponse = web.Response(status=204)
            if allowed(origin):
                response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(methods))
                response.headers["Access-Control-Allow-Headers"] = CALLABLE_HEADERS
                response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_LIFETIME)
        else:
            response = await handler(request)
        response.headers.add("Vary", "Origin")
        if allowed(origin):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = READABLE_HEADERS
        return response

    return answer_cors


async def _path_meant(request: web.Request) -> str:
    """Return the path of the route that *request* is for; a preflight asks for another method."""
    resource = request.match_info.route.resource
    method = request.headers.get("Access-Control-Request-Method")
    if resource is None and method is not None:
        meant = await request.app.router.resolve(request.clone(method=method))
        resource = meant.route.resource
    return request.path if resource is None else resource.canonical
