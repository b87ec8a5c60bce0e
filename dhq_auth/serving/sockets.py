"""The sockets we listen on, taken before anything else is started, and how many we may open."""

import errno
import logging
import resource
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import Final

Greeting = Callable[[], str]
"""What whoever started us is told once we are ready; asked for then, not before."""
UNSENT: Final = 30_000
"""Milliseconds after which the system gives up on a caller who takes none of what he is sent."""
OTHER_FILES: Final = 128
"""Files and sockets that a process needs beside its callers' connections."""
_NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

_log = logging.getLogger("dhq_auth.serving")


class ListenError(Exception):
    """We cannot listen; the text is one line that begins with the name of the setting."""


def bind(host: str, port: int) -> list[socket.socket]:
    """Return a socket for each address of *host*, bound to *port*, or raise ListenError."""
    with ExitStack() as undo:
        sockets: list[socket.socket] = []
        absent = None
        for family, address in _addresses(host, port):
            try:
                sockets.append(undo.enter_context(_bound(family, address)))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise ListenError(_explained(host, port, error)) from error
                absent = error
        if absent is not None and not sockets:
            raise ListenError(_explained(host, port, absent))
        undo.pop_all()
    return sockets


def bind_for_workers(host: str, port: int, workers: int) -> list[list[socket.socket]]:
    """Return the sockets of each of several processes that share *port*.

    The port is first taken for us alone: sharing must not be with somebody else's process.
    """
    with ExitStack() as probes:
        taken = [probes.enter_context(sock) for sock in bind(host, port)]
        addresses = [(sock.family, sock.getsockname()) for sock in taken]
    try:
        return [
            [_bound(family, address, shared=True) for family, address in addresses]
            for _ in range(workers)
        ]
    except OSError as error:
        raise ListenError(_explained(host, port, error)) from error


def no_greeting() -> str:
    """Return nothing to say."""
    return ""


def announce(sockets: Iterable[socket.socket]) -> None:
    """Log where we listen."""
    for sock in sockets:
        host, port = sock.getsockname()[:2]
        _log.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)


def greet(greeting: Greeting) -> None:
    """Say *greeting* to whoever started us."""
    with suppress(OSError, UnicodeError):  # nobody reads it, or not with these letters
        sys.stdout.write(greeting())
        sys.stdout.flush()


def allow_connections(number: int) -> int:
    """Raise the limit on open files for *number* connections; return how many it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return number
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (ValueError, OSError):  # the system has a lower limit of its own
        allowed = soft
    return min(number, max(1, allowed - OTHER_FILES))


def _addresses(host: str, port: int) -> "list[tuple[socket.AddressFamily, tuple[object, ...]]]":
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise ListenError(
            f"HOST: {host!r} has no address; expected: an address of this machine, "
            "such as 127.0.0.1, or 0.0.0.0 for all"
        ) from error
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _bound(
    family: socket.AddressFamily, address: tuple[object, ...], *, shared: bool = False
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted sockets inherit it
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _explained(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"PORT: {port} on {host} is in use by another process; expected: a free port"
        case errno.EACCES | errno.EPERM:
            return f"PORT: {port} is not for this user; expected: a port from 1024 up"
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return (
                f"HOST: {host!r} is not an address of this machine; expected: one that is, "
                "such as 127.0.0.1, or 0.0.0.0 for all"
            )
    return f"HOST, PORT: cannot listen on {host!r}, port {port}: {error.strerror}"
