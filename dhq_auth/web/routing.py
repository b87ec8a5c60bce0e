"""A route: its address, who answers, and what `/openapi.json` says of it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CORS_PATHS = web.AppKey("CORS_PATHS", dict[str, set[str]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one address.

    `kind`: an `api` may be called from the pages of ALLOWED_ORIGINS, a `page` or a `redirect` is
    for the address bar alone. A redirect has no HEAD: it spends something. `operation` is the
    OpenAPI 3.1 Operation Object; without one the route is not part of the API.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handler: Handler
    kind: Literal["api", "page", "redirect"] = "api"
    operation: Mapping[str, Any] | None = field(default=None, repr=False)


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Put *routes* on *app*, each with and without a trailing slash."""
    cors = app.setdefault(CORS_PATHS, {})
    for route in routes:
        methods = [route.method]
        if route.method == "GET" and route.kind != "redirect":
            methods.append("HEAD")  # type: ignore[arg-type]
        for path in {route.path, f"{route.path.rstrip('/')}/"}:
            for method in methods:
                app.router.add_route(method, path, route.handler)
            if route.kind == "api":
                cors.setdefault(path, set()).add(route.method)
