"""Who is at the other end of the connection, and what a request is called."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp import web

from dhq_auth.errors import AuthError
from dhq_auth.events import Source
from dhq_auth.sessions.store import Device
from dhq_auth.settings.parse import Network

REQUEST_ID = web.RequestKey("REQUEST_ID", str)
TRACE_ID = web.RequestKey("TRACE_ID", str)
REFUSED = web.RequestKey("REFUSED", AuthError)
"""Why the request was refused, if it was."""
CLIENT_ADDRESS = web.RequestKey("CLIENT_ADDRESS", str)
ACTOR = web.RequestKey("ACTOR", str)
"""The id of the user whose credential was believed."""
_ADDRESS = re.compile(
    r"\[(?P<v6>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\](?::[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}"
    r"|(?P<bare>[0-9A-Fa-f:.]+)(?:%[\w.-]+)?",
    re.ASCII,
)


def client_address(request: web.Request, trusted: Sequence[Network]) -> str:
    """Return the address of the client.

    `X-Forwarded-For` is walked from the right for as long as the hop is a trusted proxy; the
    first that is not one is the client. What cannot be read ends the walk.
    """
    peer, said = _peer(request.remote or "")
    if peer is None or not _is_in(trusted, peer):
        return said
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    while hops and _is_in(trusted, peer):
        hop = _address(hops.pop().strip())
        if hop is None:
            break
        peer = hop
    return str(peer)


def is_from_proxy(request: web.Request, trusted: Sequence[Network]) -> bool:
    """Whether a trusted proxy has sent *request*, so that what it says of the browser's is so."""
    peer, _ = _peer(request.remote or "")
    return peer is not None and _is_in(trusted, peer)


def source(request: web.Request) -> Source:
    """Return where a change by *request* comes from and who makes it, for the audit log."""
    return Source(request.get(CLIENT_ADDRESS), request.get(REQUEST_ID), request.get(ACTOR))


def device(request: web.Request) -> Device:
    """Return what the owner of a session may recognize the browser of *request* by."""
    agent = request.headers.get("User-Agent", "")
    shown = "".join(letter for letter in agent if letter.isprintable())[:255]
    return Device(request.get(CLIENT_ADDRESS), shown or None)


@lru_cache(maxsize=1024)
def _peer(remote: str) -> tuple[IPv4Address | IPv6Address | None, str]:
    """Return the address at the other end of the socket, as one and as it is written."""
    address = _address(remote)
    return address, "unknown" if address is None else str(address)


def _is_in(networks: Sequence[Network], address: IPv4Address | IPv6Address) -> bool:
    return bool(networks) and any(address in network for network in networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; some proxies write the port behind it (RFC 7239 6 has the brackets)."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return None
    try:
        address = ip_address(match["v6"] or match["v4"] or match["bare"])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
