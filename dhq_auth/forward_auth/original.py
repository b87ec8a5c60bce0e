"""The request that a browser made of an application, as the proxy in between tells of it.

nginx names it in `X-Original-URL` and `X-Original-Method`, Traefik and Caddy in
`X-Forwarded-{Method,Proto,Host,Uri}`, Envoy appends its path to `/auth/verify`. Headers count from
TRUSTED_PROXIES alone. What such a request may do is decided by its origin, so that headers which
name two of them are refused: one is the proxy's, the other is perhaps the caller's.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from aiohttp import web

from dhq_auth.errors import Forbidden
from dhq_auth.message import Message
from dhq_auth.redirects import HAND_OFF, Origin
from dhq_auth.settings import Settings
from dhq_auth.web.client import is_from_proxy
from dhq_auth.web.errors import wants_page
from dhq_auth.web.headers import ELSEWHERE

PREFIX: Final = f"/{HAND_OFF}"
"""Where applications on other hosts hand over to us."""
STATIC: Final = f"{PREFIX}/static"
VERIFY: Final = "/auth/verify"
MAX_TARGET: Final = 2048
"""Characters of a path with its query to which a login leads back; beyond, it leads to `/`."""
_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Original:
    """What a browser asked for: *target* is the path with its query, byte for byte.

    *told* is whether its address was told apart from that of the question; else they are one.
    """

    origin: Origin
    target: str
    method: str
    told: bool = True

    def is_navigation(self, request: web.Request) -> bool:
        """Whether *request* tells of a browser whose window is about to show what it gets.

        Only that can be led to a login: a script would get a page that it did not ask for, and a
        form that is sent would come back empty.
        """
        if self.method not in {"GET", "HEAD"}:
            return False
        mode = request.headers.get("Sec-Fetch-Mode")
        if mode is None:
            return wants_page(request)
        return mode == "navigate" and request.headers.get("Sec-Fetch-Dest") in {None, "document"}


def original(request: web.Request, settings: Settings) -> Original:
    """Return what the proxy that sends *request* asks about.

    Without a proxy it is what the caller himself asked of `Host`. Raises Forbidden where that
    cannot be told.
    """
    headers = _Told(request, believed=is_from_proxy(request, settings.trusted_proxies))
    url = headers.get("X-Original-URL")
    path = _path_of(url) if url else headers.get("X-Forwarded-Uri")
    behind = request.raw_path.removeprefix(VERIFY) if request.path.startswith(VERIFY) else "/"
    asked = Original(
        _origin(headers, settings.external_address, url),
        target(behind if path is None else path),
        (headers.get("X-Original-Method", "X-Forwarded-Method") or request.method).upper(),
        told=path is not None or behind.startswith("/"),
    )
    if asked.origin != settings.external_address:
        request[ELSEWHERE] = STATIC
    return asked


def target(path: str) -> str:
    """Return *path*, of whatever origin, fit for the end of a Location; `/` where it is not."""
    written = quote(path, safe=_VISIBLE, errors="surrogateescape")
    inside = written == PREFIX or written.startswith((f"{PREFIX}/", f"{PREFIX}?"))
    if not written.startswith("/") or len(written) > MAX_TARGET or inside:
        return "/"
    return written


class _Told:
    """What the proxy says in its headers; nothing if it is none of ours."""

    def __init__(self, request: web.Request, *, believed: bool) -> None:
        self._headers = request.headers
        self._believed = believed
        self.host = self._headers.get("Host", "")

    def get(self, *names: str) -> str | None:
        """Return what the first of *names* says that is there."""
        for name in names:
            values = self._headers.getall(name, ()) if self._believed else ()
            if len(values) > 1:
                raise _unclear(Message("the header {name} stands there more than once", name=name))
            if values and values[0]:
                return values[0]
        return None


def _origin(headers: _Told, own: Origin, url: str | None) -> Origin:
    proto = headers.get("X-Forwarded-Proto")
    scheme = own.scheme if proto is None else _SCHEMES.get(proto.lower(), proto)
    host = headers.get("X-Forwarded-Host")
    try:
        told = Origin.of(f"{scheme}://{host or headers.host}")
        if url is None:
            return told
        origin = Origin.of(url)
    except ValueError as error:
        raise _unclear(str(error)) from None
    if (host and (origin.host, origin.port) != (told.host, told.port)) or (
        proto and origin.scheme != told.scheme
    ):
        raise _unclear("X-Original-URL and X-Forwarded-Host name two origins")
    return origin


def _path_of(url: str) -> str:
    return f"/{url.partition('://')[2].partition('/')[2]}"


def _unclear(reason: str) -> Forbidden:
    return Forbidden(
        Message("What the proxy asks about is not clear: {reason}.", reason=reason),
        code="original_request_unclear",
    )
