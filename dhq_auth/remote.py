"""Every outgoing call: with deadlines, bounds and no surprises.

No redirect is followed, no cookie kept, no proxy taken from the environment; an answer is read up
to its bound and must be JSON. What comes back is still hostile: callers check its types.
"""

import asyncio
import json
import logging
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import aiohttp
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, RSAKey

from dhq_auth.clock import Clock
from dhq_auth.errors import AuthError, UpstreamFailed, UpstreamTimeout
from dhq_auth.redirects import Origin
from dhq_auth.settings import Limits

log = logging.getLogger(__name__)

Value = TypeVar("Value")
MAX_KEYS = 50
Key = RSAKey | ECKey
_KEY_TYPES: dict[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey}


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
    """Calls others, at most `remote_calls` at a time for each name of a provider."""

    def __init__(self, limits: Bounds) -> None:
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._slots: dict[str, asyncio.Semaphore] = {}

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
        Raises UpstreamTimeout after `remote_timeout`, the wait for a slot included, and
        UpstreamFailed for everything else that is not an answer in JSON.
        """
        slot = self._slots.setdefault(provider, asyncio.Semaphore(self._limits.remote_calls))
        try:
            async with asyncio.timeout(self._limits.remote_timeout), slot:
                return await self._call(method, url, headers or {}, form, content)
        except TimeoutError:
            log.warning("%s: no answer in time from %s", provider, _place(url))
            raise UpstreamTimeout(f"{provider} did not answer in time") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            # The text of others may hold what no log should.
            what = error if isinstance(error, NoAnswer) else type(error).__name__
            log.warning("%s: %s from %s", provider, what, _place(url))
            raise UpstreamFailed(f"{provider} did not answer as it should") from error

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

    def _open(self) -> aiohttp.ClientSession:
        limits = self._limits
        return aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=0),  # the slots of each provider are the limit
            timeout=aiohttp.ClientTimeout(
                total=limits.remote_timeout,
                sock_connect=limits.remote_connect_timeout,
                sock_read=limits.remote_read_timeout,
            ),
            headers={"User-Agent": "dhq-auth", "Accept": "application/json"},
            raise_for_status=False,
        )


class Cached(Generic[Value]):
    """A value that is fetched when first needed, by one caller for all, and kept on errors.

    It is fetched again when it is older than its lifetime, or when a caller has reason to doubt it.
    Doubts and failures are followed by a cool-down in which it is not fetched again.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Value]],
        *,
        lifetime: timedelta,
        cooldown: timedelta,
        now: Clock,
    ) -> None:
        self._fetch = fetch
        self._lifetime = lifetime
        self._cooldown = cooldown
        self._now = now
        self._value: Value | None = None
        self._fetched_at = self._rests_until = datetime.min.replace(tzinfo=UTC)
        self._flight: asyncio.Task[Value] | None = None

    async def get(self) -> Value:
        """Return the value; raise what the fetch raises while there is none."""
        return await self._get(doubted=False)

    async def refetched(self) -> Value:
        """Return the value, fetched again unless that was done within the cool-down."""
        return await self._get(doubted=True)

    async def _get(self, *, doubted: bool) -> Value:
        if self._value is not None:
            # A clock that was set back must not keep a value for longer than its lifetime.
            fresh = timedelta(0) <= self._now() - self._fetched_at < self._lifetime
            rests = timedelta(0) < self._rests_until - self._now() <= self._cooldown
            if rests or (fresh and not doubted):
                return self._value
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly(doubted=doubted))
            self._flight.add_done_callback(self._land)
        try:
            # Whoever asked first may go away: the others still wait for the same answer.
            return await asyncio.shield(self._flight)
        except AuthError as error:
            raise copy(error) from error

    async def _fly(self, *, doubted: bool) -> Value:
        try:
            value = await self._fetch()
        except AuthError:
            self._rests_until = self._now() + self._cooldown
            if self._value is None:
                raise
            log.warning("kept what was known, since it could not be fetched again")
            return self._value
        if doubted:
            self._rests_until = self._now() + self._cooldown
        self._value, self._fetched_at = value, self._now()
        return value

    def _land(self, flight: asyncio.Task[Value]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # seen, though everybody who waited for it may be gone


class OpenIdIssuer:
    """The metadata and the keys of one issuer (OpenID Connect Discovery 4)."""

    def __init__(self, name: str, issuer: str, remote: Remote, limits: Limits, now: Clock) -> None:
        self.name = name
        self.issuer = issuer
        self._remote = remote
        ages = {"lifetime": limits.discovery_lifetime, "cooldown": limits.jwks_cooldown}
        self._metadata = Cached(self._fetch_metadata, **ages, now=now)
        self._keys = Cached(self._fetch_keys, **ages, now=now)

    async def metadata(self) -> Mapping[str, Any]:
        """Return the metadata, its issuer and endpoints checked.

        Raises UpstreamFailed or UpstreamTimeout while none was ever fetched.
        """
        return await self._metadata.get()

    async def keys(self) -> Sequence[Key]:
        """Return the keys that sign for the issuer, as far as known (RFC 7517 5)."""
        return await self._keys.get()

    async def newer_keys(self) -> Sequence[Key]:
        """Return the keys, asked for again unless that was done within the cool-down."""
        return await self._keys.refetched()

    async def _fetch_metadata(self) -> Mapping[str, Any]:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = await self._remote.call(self.name, "GET", url)
        metadata = answer.content
        if answer.status != 200 or not isinstance(metadata, dict):
            raise UpstreamFailed(f"{self.name} has no metadata")
        if metadata.get("issuer") != self.issuer:
            log.error("%s: the metadata is of another issuer than %s", self.name, self.issuer)
            raise UpstreamFailed(f"{self.name} says that it is another issuer")
        for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            self._check_endpoint(metadata.get(endpoint))
        if "userinfo_endpoint" in metadata:
            self._check_endpoint(metadata["userinfo_endpoint"])
        return metadata

    def _check_endpoint(self, url: object) -> None:
        """Refuse an endpoint that is missing, or less protected than the issuer itself."""
        try:
            plain = isinstance(url, str) and url.isascii() and "#" not in url
            where = Origin.of(url) if isinstance(url, str) and plain else None
        except ValueError:
            where = None
        if where is None or where.scheme != Origin.of(self.issuer).scheme:
            raise UpstreamFailed(f"{self.name} has an endpoint that cannot be used")

    async def _fetch_keys(self) -> Sequence[Key]:
        url = (await self.metadata())["jwks_uri"]
        answer = await self._remote.call(self.name, "GET", url)
        keys = answer.content.get("keys") if isinstance(answer.content, dict) else None
        if answer.status != 200 or not isinstance(keys, list):
            raise UpstreamFailed(f"{self.name} has no keys")
        usable = [key for raw in keys[:MAX_KEYS] if (key := _signature_key(raw)) is not None]
        if not usable:
            raise UpstreamFailed(f"{self.name} has no keys that can be used")
        return usable


def _signature_key(raw: object) -> Key | None:
    """Return the public key that *raw* is (RFC 7517 4), or None if we cannot or must not use it."""
    if not isinstance(raw, dict) or raw.get("use", "sig") != "sig":
        return None
    kind = raw.get("kty")
    if not isinstance(kind, str) or kind not in _KEY_TYPES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)  # RSA below 2048 bits
            return _KEY_TYPES[kind].import_key(raw)
    except (JoseError, SecurityWarning, ValueError, TypeError, KeyError, OverflowError):
        return None


async def _read(stream: aiohttp.StreamReader, limit: int) -> bytes:
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
