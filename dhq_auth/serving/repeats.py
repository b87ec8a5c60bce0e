"""Answers that are given again to the same bytes, without a look at what they mean.

Services ask about the same token again and again, and their clients write it the same way each time.
To parse that, find the route, read the headers and write the answer anew costs ten times what is left:
to look whether the answer still holds (`web.repeat`). Everything else about it was settled when it was
given first, by the one way that all requests go. It gets an id and a date of its own. Where but the
token is another (`forms`), that is looked at, and nothing else.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final, Self

from aiohttp import hdrs, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler

from dhq_auth.serving.forms import Form
from dhq_auth.tracing import new_id
from dhq_auth.web.repeat import FOR_ANOTHER, HOLDS, NOTE, Body

SIZE: Final = 512
LONGEST: Final = 8192
"""Bytes of a request, and of an answer, that are worth it: all of it is 4 MiB at most."""
_END: Final = b"\r\n\r\n"
_NONE: Final = Body(b"", lambda: False)


@dataclass(frozen=True, slots=True)
class Repeat:
    """An answer that was given, without what is its own each time: its id, its date and its length."""

    holds: Callable[[], bool]
    note: Callable[[float], None]
    head: bytes
    body: bytes

    @classmethod
    def of(cls, request: web.BaseRequest, answer: web.StreamResponse) -> Self | None:
        """Return *answer*, which was sent, if it may be given to *request* again."""
        holds, note = request.get(HOLDS), request.get(NOTE)
        if holds is None or note is None or request.version != HttpVersion11:
            return None
        if request.body_exists:  # it may come in a packet of its own, and is no new request then
            return None
        if hdrs.EXPECT in request.headers:  # he is told to go on first (RFC 9110 10.1.1)
            return None
        if not isinstance(answer, web.Response) or answer.status != HTTPStatus.OK:
            return None
        body = answer.body
        if not isinstance(body, bytes) or len(body) > LONGEST or hdrs.SET_COOKIE in answer.headers:
            return None
        headers = "".join(
            f"{name}: {value}\r\n"
            for name, value in answer.headers.items()
            if name not in {hdrs.DATE, hdrs.CONTENT_LENGTH, "X-Request-Id"}
        )
        head = f"HTTP/1.1 200 {answer.reason}\r\n{headers}"
        return cls(holds, note, head.encode(), body)

    def with_body(self, body: Body) -> "Repeat":
        """Return the answer that has *body* instead, and is else the same."""
        return Repeat(body.holds, self.note, self.head, body.text)

    def text(self) -> bytes:
        """Return it as it is sent now."""
        own = (
            f"Content-Length: {len(self.body)}\r\n"
            f"X-Request-Id: {new_id(8)}\r\nDate: {rfc822_formatted_time()}\r\n\r\n"
        )
        return b"%b%b%b" % (self.head, own.encode(), self.body)


class Repeats:
    """What may be given again in this process: *size* answers, the last ones that were.

    A request that comes once is no reason to keep its answer; one that comes twice is.
    """

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._known: OrderedDict[bytes, Repeat | None] = OrderedDict()

    def get(self, key: bytes) -> Repeat | None:
        """Return the answer to the request that is called *key*, if it holds."""
        found = self._known.get(key)
        if found is None:
            return None
        if not found.holds():
            self._known[key] = None
            return None
        self._known.move_to_end(key)
        return found

    def put(self, key: bytes, repeat: Callable[[], Repeat | None]) -> None:
        """Remember what *repeat* makes for whoever asks in the same bytes; None: nothing may be."""
        self._known[key] = repeat() if key in self._known else None
        if len(self._known) > self._size:
            self._known.popitem(last=False)


class RepeatingHandler(RequestHandler):
    """A connection that gives answers again where no log is to tell of each of them."""

    __slots__ = ("_asked", "_form", "_packet", "_repeats", "_whole")

    def __init__(self, server: web.Server, *, repeats: Repeats, **options: Any) -> None:
        super().__init__(server, **options)
        self._repeats = repeats
        self._asked = b""
        """What the request under way is called, if its head has come by itself."""
        self._packet = b""
        """The request under way itself, if it came in one packet; until it is answered."""
        self._form: tuple[Form, Repeat] | None = None
        """The request before, if it may be answered to others, and with what head it was answered."""
        self._whole = False
        """Whether the last packet was a request, from its first byte to its last.

        Else the parser may be in the middle of one, of which what comes next is a part.
        """

    def _was_answered(self, data: bytes, *, free: bool) -> bool:
        """Answer *data* if it was answered before; never unless *free*, nor the first request."""
        idle = free and self._whole
        idle = idle and not (self._messages or self._paused or self._logging_enabled)
        if not idle or self._waiter is None or self._keepalive_handle is None or not _plain(data):
            self._asked = b""
            return False
        began = perf_counter()
        self._asked = sha256(data).digest()  # never the request itself, which holds a credential
        repeat = self._repeats.get(self._asked) or self._filled(data)
        if repeat is None or self.transport is None or self._manager is None:
            return False
        self.transport.write(repeat.text())
        self._manager.requests_count += 1
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        repeat.note(perf_counter() - began)
        return True

    def _filled(self, data: bytes) -> Repeat | None:
        """Return the answer to *data* where it is the request before, of another token."""
        if self._form is None:
            return None
        form, before = self._form
        if (body := form.filled(data)) is None:
            return None
        repeat = before.with_body(body)
        self._repeats.put(self._asked, lambda: repeat)
        return repeat

    def _take_note(self, data: bytes, *, begins: bool, messages: int) -> None:
        """Note whether *data*, which the parser has made so many *messages* of, was one request.

        It is none unless one *begins* with it, rather than the rest of the one before.
        """
        one = begins and messages == 1 and _plain(data)
        self._whole = one and _is_all(self._messages[-1], data)
        self._packet = data if self._whole else b""

    def _remember(self, request: web.BaseRequest, answer: web.StreamResponse) -> None:
        """Let what *request* was answered be the answer to the same bytes, where that may be."""
        packet, asked, self._packet, self._asked = self._packet, self._asked, b"", b""
        if HOLDS not in request:
            return
        if asked:
            self._repeats.put(asked, lambda: Repeat.of(request, answer))
        if self._form and self._form[0].fits(packet):
            return
        form = Form.of(packet, request.get(FOR_ANOTHER))
        repeat = Repeat.of(request, answer) if form else None
        self._form = (form, repeat.with_body(_NONE)) if form and repeat else None


def _is_all(message: tuple[Any, StreamReader], data: bytes) -> bool:
    """Whether *message* has the lines of *data* and no others, and no body."""
    head, body = message
    return (
        isinstance(head, RawRequestMessage)
        and head.method == hdrs.METH_GET
        and len(head.raw_headers) == data.count(b"\r\n") - 2
        and body is EMPTY_PAYLOAD
    )


def _plain(data: bytes) -> bool:
    """Whether *data* is one GET, as far as one can see; a body may follow."""
    size = len(data)
    return size <= LONGEST and data.startswith(b"GET ") and data.find(_END) == size - len(_END)
