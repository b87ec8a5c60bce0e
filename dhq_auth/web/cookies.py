"""Reading the Cookie header as browsers write it (RFC 6265 5.4), and in no other way.

Browsers let nobody but us set a `__Host-` cookie. A reader that is more lenient than they are gives
that away: aiohttp's also begins a new cookie behind a blank inside a value, strips blanks of other
scripts from names, and lets a quote swallow what follows; so `x=y __Host-session=…`, which any
sibling domain may set for ours, would be a session.
"""

from aiohttp import web


def cookie(request: web.Request, name: str) -> str | None:
    """Return the cookie *name* of *request*, or None if there is none.

    Nor is there one if it came with two values: one of them is somebody else's, of another port or
    a sibling domain, and nothing tells which.
    """
    pairs = ";".join(request.headers.getall("Cookie", ())).split(";")
    parted = (pair.strip(" \t").partition("=") for pair in pairs)
    values = {value for found, _, value in parted if found == name}
    return values.pop() if len(values) == 1 else None
