"""One outgoing call: with deadlines, bounds and no surprises.

No redirect is followed, no cookie kept, no proxy taken from the environment; an answer is read up
to its bound and must be JSON. What comes back is still hostile: callers check its types.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp.client_exceptions import ClientError
from aiohttp.streams import StreamReader

from dhq_auth import tracing
from dhq_auth.errors import UpstreamFailed, UpstreamTimeout
from dhq_auth.message import Message
from dhq_auth.metrics.timed import Observe, nobody, timed
from dhq_auth.remote.turns import Turns

if TYPE_CHECKING:
    from aiohttp import ClientSession

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the status, the headers, and the JSON."""

    status: int
    headers: Mapping[str, str]
    content: Any


class Bounds(Protocol):
    """How long we wait (seconds), how much we read (bytes), how often we call; `Limits` is one."""

    @property
    def remote_connect_timeout(self) -> float: ...  # noqa: D102 - the class says it
    @property
    def remote_read_timeout(self) -> float: ...  # noqa: D102
    @property
    def remote_timeout(self) -> float: ...  # noqa: D102
    @property
    def remote_max_body(self) -> int: ...  # noqa: D102
    @property
    def remote_calls(self) -> int: ...  # noqa: D102


class NoAnswer(ValueError):
    """What came back cannot be used; the text says why, in our words."""


class Remote:
    """Calls others, at most `remote_calls` at a time for each name of a provider.

    *observe* is told of each call.
    """

    def __init__(self, limits: Bounds, observe: Observe = nobody) -> None:
        self._limits = limits
        self._observe = observe
        self._session: ClientSession | None = None
        self._turns: dict[str, Turns] = {}

    async def call(
        self,
        provider: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: object = None,
    ) -> Answer:
        """Send a request on behalf of *provider* and return the JSON that comes back.

        What is sent is *form*, or *content* as JSON, or nothing.
        Raises UpstreamTimeout after `remote_timeout`, the wait for a turn included, UpstreamFailed
        for everything else that is not an answer in JSON, and Unavailable where the provider has as
        many calls as it may, and as many wait as may, or none of them ends in time.
        """
        turns = self._turns.setdefault(provider, Turns(provider, self._limits.remote_calls))
        deadline = asyncio.get_running_loop().time() + self._limits.remote_timeout
        try:
            with (
                timed(self._observe, provider),
                tracing.span(method, kind="client", dhq__auth_provider=provider) as span,
            ):
                sent = {**(headers or {}), **span.headers}
                async with turns.taken(deadline):
                    return await self._call(method, url, sent, form, content)
        except TimeoutError:
            log.warning("%s: no answer in time from %s", provider, _place(url))
            raise UpstreamTimeout(
                Message("{provider} did not answer in time", provider=provider)
            ) from None
        except (ClientError, ValueError, OSError) as error:
            # The text of others may hold what no log should.
            what = error if isinstance(error, NoAnswer) else type(error).__name__
            log.warning("%s: %s from %s", provider, what, _place(url))
            raise UpstreamFailed(
                Message("{provider} did not answer as it should", provider=provider)
            ) from error

    async def load(self) -> None:
        """Load what a call takes, in a thread; else the first one does, and holds up all others."""
        await asyncio.to_thread(import_module, "aiohttp.client")

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
        sent: object,
    ) -> Answer:
        if self._session is None:
            self._session = self._open()
        async with self._session.request(
            method, url, headers=headers, data=form, json=sent, allow_redirects=False
        ) as response:
            if response.status < 200 or 300 <= response.status < 400:
                raise NoAnswer(f"status {response.status}, which is not followed")
            body = await _read(response.content, self._limits.remote_max_body)
            try:
                content = json.loads(body) if body.strip() else None
            except (ValueError, RecursionError):
                raise NoAnswer(f"status {response.status} and no JSON") from None
            return Answer(response.status, response.headers, content)

    def _open(self) -> "ClientSession":
        import aiohttp  # noqa: PLC0415 - `load` has loaded what it takes

        limits = self._limits
        return aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),  # the turns of each provider are the limit
            timeout=aiohttp.ClientTimeout(
                total=limits.remote_timeout,
                sock_connect=limits.remote_connect_timeout,
                sock_read=limits.remote_read_timeout,
            ),
            headers={"User-Agent": "dhq-auth", "Accept": "application/json"},
            raise_for_status=False,
        )


async def _read(stream: StreamReader, limit: int) -> bytes:
    """Return the whole body, or raise NoAnswer once it is longer than *limit*."""
    chunks, length = [], 0
    async for chunk in stream.iter_any():
        length += len(chunk)
        if length > limit:
            raise NoAnswer(f"more than {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _place(url: str) -> str:
    """Return *url* as a log may show it: without the query, and in ASCII."""
    return url.partition("?")[0].encode("ascii", "backslashreplace").decode()
