"""Serve this machine and nobody else."""

import errno
import re
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket

from aiohttp import web
from aiohttp.typedefs import Handler

_LOOPBACK = re.compile(r"localhost|127\.0\.0\.1|\[::1\]")
_HOST_HEADER = re.compile(rf"(?:{_LOOPBACK.pattern})(?::\d{{1,5}})?", re.IGNORECASE)
_TRACES_OF_A_PROXY = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


def is_loopback_origin(address: str) -> bool:
    """Tell whether *address* is `http://`, a name of this machine, and perhaps a port."""
    scheme, _, host = address.partition("://")
    return scheme == "http" and _HOST_HEADER.fullmatch(host) is not None


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse whoever comes from elsewhere, under another name, or through a proxy or tunnel.

    The name matters because a web page anywhere may point a name of its own at 127.0.0.1 and have
    the visitor's browser call us (DNS rebinding); 421 is RFC 9110 15.5.20.
    """
    if not ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104 - stands for unknown
        raise web.HTTPForbidden(text="This demo serves its own machine only.")
    if any(name in request.headers for name in _TRACES_OF_A_PROXY):
        raise web.HTTPForbidden(text="This demo is not to be served through a proxy or tunnel.")
    if not _HOST_HEADER.fullmatch(request.headers.get("Host", "")):
        raise web.HTTPMisdirectedRequest(text="This demo answers to the name localhost only.")
    return await handler(request)


def is_free(port: int) -> bool:
    """Tell whether nobody answers at *port*, whichever address a browser takes localhost for.

    A program that listens on `[::1]` alone would get the visits meant for 127.0.0.1.
    """
    for family, address in ((AF_INET, "127.0.0.1"), (AF_INET6, "::1")):
        try:
            with socket(family) as probe:
                probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:  # of any other kind on a machine without IPv6
            if error.errno == errno.EADDRINUSE:
                return False
    return True


async def serve(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen for *app* on *host*; ValueError unless that is a loopback address."""
    if host not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError(
            f"{host!r} is not a loopback address: the demo serves its own machine only"
        )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
