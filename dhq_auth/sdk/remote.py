"""Calls to the auth service, by the standard library alone: with deadlines, bounds, no surprises.

No redirect is followed, no proxy taken from the environment, no cookie kept; an answer is read up
to its bound, within its deadline, and must be JSON.
"""

import io
import json
import socket
import ssl
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from time import monotonic
from typing import Any, Final, cast
from urllib.parse import SplitResult, urlsplit

DEADLINE: Final = 5.0
"""Seconds for one whole call."""
MAX_BODY: Final = 256 * 1024
"""Bytes of an answer."""


class Unavailable(Exception):
    """The auth service cannot be asked now: nothing is known, which is neither a yes nor a no.

    `retry_after` is the number of seconds after which it makes sense to ask again.
    """

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the status, the headers, the body."""

    status: int
    headers: HTTPMessage
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, or raise ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("too deeply nested") from None


class Remote:
    """The auth service at *url*, its EXTERNAL_ADDRESS: https, or http on a loopback host.

    In a *private* network, in which nobody else can answer, also http on any host. `origin` is the
    one spelling of it that the service itself uses. Raises ValueError for what is no such address.
    """

    def __init__(self, url: str, *, private: bool = False) -> None:
        place = _place(url, private=private)
        self._secure = place.scheme == "https"
        self._host, self._port = place.hostname or "", place.port
        host = f"[{self._host}]" if ":" in self._host else self._host
        named = self._port not in (None, 443 if self._secure else 80)
        self.origin = f"{place.scheme}://{host}" + (f":{self._port}" if named else "")

    def call(
        self,
        method: str,
        path: str,
        *,
        content: object = None,
        token: str | None = None,
        deadline: float = DEADLINE,
    ) -> Answer:
        """Send a request, *content* as JSON, as whom *token* is of; return whatever is answered.

        Raises Unavailable if that is not an answer of HTTP, too long, or not there in *deadline*
        seconds.
        """
        until = monotonic() + deadline
        headers = {"Accept": "application/json", "User-Agent": "dhq-auth-sdk"}
        body = None if content is None else json.dumps(content).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        connection = self._connection()
        try:
            connection.request(method, path, body, headers)
            return _read(connection.sock, method, until)
        except (OSError, HTTPException, ValueError) as error:
            # The text of the error may hold what the other side said: its name is enough.
            raise Unavailable(
                f"no answer from {self.origin}{path}: {type(error).__name__}"
            ) from error
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        if not self._secure:
            return HTTPConnection(self._host, self._port, timeout=DEADLINE)
        return HTTPSConnection(self._host, self._port, timeout=DEADLINE, context=self._tls)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _read(connected: socket.socket, method: str, until: float) -> Answer:
    hurried = cast("socket.socket", _Hurried(connected, until))
    with HTTPResponse(hurried, method=method) as response:
        response.begin()
        body = response.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise ValueError(f"more than {MAX_BODY} bytes")
        return Answer(response.status, response.headers, body)


class _Hurried(io.RawIOBase):
    """What comes out of a socket until a deadline: not each byte of it may take its time."""

    def __init__(self, connected: socket.socket, until: float) -> None:
        self._socket = connected
        self._until = until
        self._bytes = connected.makefile("rb", buffering=0)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the file that HTTPResponse reads from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        self._socket.settimeout(left)
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


def _place(url: str, *, private: bool) -> SplitResult:
    """Return the parts of *url* if it is a bare origin that tokens may be sent to."""
    address = url if "://" in url else f"https://{url}"
    try:
        place = urlsplit(address.removesuffix("/"))
        usable = place.scheme in ("https", "http") and place.hostname and place.port != 0
    except ValueError:  # a port, or an IPv6 address, that is none
        usable = False
    plain = url.isascii() and url.isprintable() and not set(url) & set(" \\@?#")
    if not usable or place.path or not plain:
        raise ValueError(f"{url!r} is no address such as https://login.example.com")
    if place.scheme == "http" and not private and not _is_loopback(place.hostname or ""):
        raise ValueError(f"{url!r} is no address for keys: http is for loopback hosts only")
    return place


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
