"""A route: its address, who answers, and what `/openapi.json` says of it."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CORS_PATHS = web.AppKey("CORS_PATHS", dict[str, set[str]])
EARLY = web.AppKey("EARLY", set[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one address; `*` is every method that no other route of it is for.

    `kind`: an `api` may be called from the pages of ALLOWED_ORIGINS, a `page` or a `redirect` is
    for the address bar alone. A redirect has no HEAD: it spends something. `operation` is the
    OpenAPI 3.1 Operation Object; without one the route is not part of the API. What is `early`
    needs neither database nor keys, and is answered while the service waits for them.
    """

    method: Literal["GET", "POST", "PUT", "DELETE", "*"]
    path: str
    handler: Handler
    kind: Literal["api", "page", "redirect"] = "api"
    operation: Mapping[str, Any] | None = field(default=None, repr=False)
    early: bool = False


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Put *routes* on *app*, each with and without a trailing slash."""
    cors = app.setdefault(CORS_PATHS, {})
    early = app.setdefault(EARLY, set())
    routes = list(routes)
    names = {route.path for route in routes if "{" not in route.path}
    for route in routes:
        methods = [route.method]
        if route.method == "GET" and route.kind != "redirect":
            methods.append("HEAD")  # type: ignore[arg-type]
        for path in {route.path, f"{route.path.rstrip('/')}/"}:
            for method in methods:
                app.router.add_route(method, _narrowed(path, names), route.handler)
            if route.early:
                early.add(path)
            if route.kind == "api":
                cors.setdefault(path, set()).add(route.method)


def _narrowed(path: str, names: Iterable[str]) -> str:
    """Return *path* with a last parameter that is none of the *names* beside it: `me` is no id.

    Else a method of the one would be answered, or be announced in `Allow`, at the other.
    """
    slash = "/" if path.endswith("/") else ""
    parent, _, last = path.rstrip("/").rpartition("/")
    if not last.startswith("{"):
        return path
    beside = sorted(
        name for above, _, name in (n.rpartition("/") for n in names) if above == parent
    )
    if not beside:
        return path
    others = "|".join(map(re.escape, beside))
    return f"{parent}/{{{last.strip('{}')}:(?!(?:{others})(?:/|$))[^/]+}}{slash}"
