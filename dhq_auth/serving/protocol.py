"""One connection: aiohttp's, with the deadlines, bounds and manners that a public server needs.

aiohttp parses, and calls the application. What is added here::

    connection made ── head awaited ──┬── head complete ── application ── answer ──┐
                           ▲          ├── too late: 408; too large: 431            │
                           │          └── unparsable: 400, 405, 414, 431           │
                           └────────────── kept alive ──────────── body drained ◄──┤
                                                                  lingering, close ◄┘

A *head* is a request line with its headers. While one is awaited, a deadline runs: from the
connection, or from the first byte of the next request. To refuse is to put one last answer behind
those that are under way and to read no more. After it we *linger*: we end our side and let the
caller end his, because closing at once, with his bytes unread, would reset the connection and could
destroy the answer before he has read it.
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestPayloadError, _ErrInfo

from dhq_auth.errors import AuthError, RequestTimeout
from dhq_auth.serving.access_log import ACCESS, AccessLog
from dhq_auth.serving.refusals import TOO_LARGE, failure, problem, unparsable
from dhq_auth.serving.repeats import RepeatingHandler
from dhq_auth.serving.same_task import same_task
from dhq_auth.settings import Limits
from dhq_auth.web.headers import SERVER

if TYPE_CHECKING:
    from dhq_auth.serving.server import Server

LINGER: Final = 2.0
"""Seconds for the rest of a body, and then for a caller to close, after his answer."""
GRACE: Final = 0.25
"""Seconds that a request already on its way still has to arrive when the service stops."""
PIPELINE: Final = 4
"""Requests of one connection that may wait behind the one being answered."""

_log = logging.getLogger("dhq_auth.serving")


class Connection(RepeatingHandler):
    """A connection that cannot be held open, or made to hold much, by whoever is at its end."""

    __slots__ = (
        "_body",
        "_deadline",
        "_discarding",
        "_ended",
        "_head_size",
        "_limits",
        "_max_head",
        "_retiring",
        "_server",
        "_write_deadline",
    )

    def __init__(
        self, server: "Server", *, loop: asyncio.AbstractEventLoop, limits: Limits
    ) -> None:
        super().__init__(
            server,
            repeats=server.repeats,
            loop=loop,
            keepalive_timeout=limits.keepalive_timeout,
            logger=_log,
            access_log=ACCESS,
            access_log_class=AccessLog,
            max_line_size=limits.max_url,
            # The parser says which limit was passed only by its size: make the two differ.
            max_field_size=limits.max_header + (limits.max_header == limits.max_url),
            lingering_time=0,
            read_bufsize=limits.max_body,
        )
        self._max_msg_queue_size = PIPELINE
        self._msg_queue_resume_size = PIPELINE // 2
        self._server = server
        self._limits = limits
        self._body: StreamReader = EMPTY_PAYLOAD
        self._head_size = 0
        self._max_head = limits.max_url + 4 * limits.max_header
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] | None = None
        self._discarding = False
        self._retiring = False

    # What arrives

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Await the first request, if the server has room."""
        super().connection_made(transport)
        if not self._discarding:
            self._await_head(self._limits.header_timeout)
            self._server.waiting[self] = None
        if self._server.retiring:
            self.retire()

    async def start(self) -> None:
        """Answer one request after another, if the caller is still there by now."""
        if self._manager is not None:
            self._loop = same_task(self._loop)
            await super().start()

    def data_received(self, data: bytes) -> None:
        """Let aiohttp parse *data*; judge what came of it."""
        if self._discarding or self._close or self._force_close:
            return
        if self._was_answered(data, free=not (self._head_size or self._retiring)):
            self._server.waiting.pop(self, None)
            self._server.waiting[self] = None
            return
        known, in_body = self._request_count, not self._body.is_eof()
        super().data_received(data)
        begins = not (in_body or self._head_size)
        self._take_note(data, begins=begins, messages=self._request_count - known)
        if self._request_count > known:
            self._head_arrived(len(data))
        elif data and not in_body:
            self._head_grew(data)

    def _head_arrived(self, size: int) -> None:
        message, body = self._messages[-1]
        if not isinstance(message, RawRequestMessage):
            self._discarding = True
            if not self._body.is_eof():
                # A fault in the body of a request that has, or will have, its own answer.
                self._messages.pop()
                self._body.set_exception(RequestPayloadError("malformed body"))
        elif self._head_size + size > self._max_head and _size(message) > self._max_head:
            self._messages.pop()
            self._refuse(TOO_LARGE)
        else:
            self._body = body
        self._head_size = 0
        self._server.waiting.pop(self, None)
        self._no_deadline()

    def _head_grew(self, data: bytes) -> None:
        if self._deadline is None:
            if not data.strip(b"\r\n"):
                return  # empty lines before a request mean nothing (RFC 9112 2.2)
            self._await_head(self._limits.header_timeout)
        self._head_size += len(data)
        if self._head_size > self._max_head:
            self._refuse(TOO_LARGE)

    # What takes too long

    def _await_head(self, timeout: float) -> None:
        """Give the next head *timeout* seconds; this takes over from the idle connection's end."""
        self._no_deadline()
        self.keep_alive(val=True)
        self._deadline = self._loop.call_later(timeout, self._head_overdue)

    def _head_overdue(self) -> None:
        self._deadline = None
        if self._reading_paused or self._buffer_paused:  # it is we who do not read
            self._await_head(self._limits.header_timeout)
        elif self._head_size:
            self._refuse(RequestTimeout("The headers did not arrive in time."))
        else:
            self.force_close()

    def _no_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def pause_writing(self) -> None:
        """Give a caller who does not read his answer as long as one who does not send his body."""
        super().pause_writing()
        if self.transport is not None:
            self._write_deadline = self._loop.call_later(
                self._limits.body_timeout, self.transport.abort
            )

    def resume_writing(self) -> None:
        """Go on: the caller reads."""
        super().resume_writing()
        self._no_write_deadline()

    def _no_write_deadline(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    # What is answered

    def turn_away(self, error: AuthError) -> None:
        """Answer *error* to whatever would be asked, and close."""
        self._refuse(error)

    def _refuse(self, error: AuthError) -> None:
        """Answer *error* after what is under way; read nothing more."""
        self._discarding = True
        self._no_deadline()
        self._server.waiting.pop(self, None)
        self._messages.append((_ErrInfo(error.status, error, ""), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - the parser's words are not for callers
    ) -> web.StreamResponse:
        """Return the answer to what could not be parsed, or to what the application let fall."""
        gone = self.transport is None or self.transport.is_closing()
        if gone and isinstance(exc, ConnectionError):
            raise exc  # the caller has left; nobody is to blame
        if isinstance(exc, (AuthError, HttpProcessingError, RequestPayloadError)):
            answer = problem(unparsable(exc, max_url=self._limits.max_url))
        else:
            answer = problem(failure(status))
            where = {"path": request.rel_url.raw_path, "request_id": answer.headers["X-Request-Id"]}
            _log.error("a request failed", exc_info=exc, extra=where)
        if request.writer.output_size:
            raise ConnectionError("a part of the answer is under way already")
        return answer

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send *resp*; then settle what is left of the request."""
        if not resp.prepared:  # else it says what it is already
            resp.headers.setdefault(hdrs.SERVER, SERVER)
        if self._upgraded or (self._retiring and not (self._messages or self._head_size)):
            resp.force_close()
        resp, lost = await super().finish_response(request, resp, start_time)
        ending = request.keep_alive and not resp.keep_alive
        if not lost and (ending or self._discarding or not request.content.is_eof()):
            await self._settle(request.content, ending=ending)
        if resp.keep_alive and self.transport is not None and not self._messages:
            self._server.waiting[self] = None
            self._remember(request, resp)
        return resp, lost

    async def _settle(self, body: StreamReader, *, ending: bool) -> None:
        """Take the rest of *body*; then await the next request, or end what the caller does not."""
        if not body.is_eof():
            with suppress(TimeoutError, ConnectionError, RequestPayloadError):
                async with asyncio.timeout(min(LINGER, self._limits.body_timeout)):
                    left = self._limits.max_body
                    while not body.is_eof() and left > 0:
                        left -= len(await body.readany())
        if ending or not body.is_eof() or (self._discarding and not self._messages):
            await self._linger()

    async def _linger(self) -> None:
        self._discarding = True
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write_eof()
        self._resume_transport_reading()
        self._ended = self._loop.create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE if self._retiring else LINGER):
                await self._ended

    # How it ends

    def retire(self) -> None:
        """Take no request beyond those that have begun to arrive, and close after the last."""
        self._retiring = True
        if self.transport is None or self._request_in_progress or self._messages:
            return
        if self._head_size or not self._body.is_eof():
            return
        if self._waiter is not None or not self._request_count:
            self._await_head(min(GRACE, self._limits.header_timeout))
        else:  # between two requests: in a moment it is either idle or busy
            self._loop.call_soon(self.retire)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let go of everything that waits for this connection."""
        task: asyncio.Task[Any] | None = self._task_handler
        super().connection_lost(exc)
        self._no_deadline()
        self._no_write_deadline()
        if not self._body.is_eof() and self._body.exception() is None:
            self._body.set_exception(ConnectionResetError("the caller has left"))
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        self._server.left(self, task)


def _size(message: RawRequestMessage) -> int:
    return len(message.path) + sum(len(name) + len(value) for name, value in message.raw_headers)
