"""A route: its address, who answers, and what `/openapi.json` says of it."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
UNMATCHED: Final = "unmatched"
"""The route of what is at no address of ours: whatever somebody thinks of."""


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


@dataclass(frozen=True, slots=True)
class Address:
    """What is known of an address before anybody asks there, by its template.

    `methods` are those that pages of ALLOWED_ORIGINS may call; none if it is no `api`. What no
    route was made for is a file, or nothing at all: `early`, since neither needs the database.
    """

    route: str
    methods: frozenset[str] = frozenset()
    early: bool = True


ADDRESSES = web.AppKey("ADDRESSES", dict[str, Address])
_NOWHERE: Final = Address(UNMATCHED)


ADDRESS = web.RequestKey("ADDRESS", Address)
"""What the request is for: never what stands in the places of the template."""


def address_of(request: web.Request) -> Address:
    """Return the address that *request* is for."""
    resource = request.match_info.route.resource
    if resource is None:
        return _NOWHERE
    template = resource.canonical
    return request.app[ADDRESSES].get(template) or Address(_bare(template))


def _bare(template: str) -> str:
    return template.rstrip("/") or "/"


def add_routes(app: web.Application, routes: Iterable[Route]) -> None:
    """Put *routes* on *app*, each with and without a trailing slash."""
    addresses = app.setdefault(ADDRESSES, {})
    routes = list(routes)
    names = {route.path for route in routes if "{" not in route.path}
    for route in routes:
        methods = [route.method]
        if route.method == "GET" and route.kind != "redirect":
            methods.append("HEAD")  # type: ignore[arg-type]
        # In this order: the first of the two is found first, and is what people ask for.
        for path in dict.fromkeys((route.path, f"{route.path.rstrip('/')}/")):
            for method in methods:
                app.router.add_route(method, _narrowed(path, names), route.handler)
            known = addresses.get(path, Address(_bare(path), early=False))
            callable_now = {route.method} if route.kind == "api" else ()
            addresses[path] = Address(
                known.route, known.methods.union(callable_now), known.early or route.early
            )


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
