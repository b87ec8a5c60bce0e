"""Sends events to a URL, signed and until they have arrived, by Standard Webhooks.

`INSTALLED_EXTENSIONS=webhook`, `EXTENSION_WEBHOOK_URL=https://…`, `EXTENSION_WEBHOOK_SECRET=whsec_…`;
for several receivers `INSTALLED_EXTENSIONS=crm:webhook;billing:webhook` and `EXTENSION_CRM_URL=…`.

Each event is one POST of ``{"type": "user.created", "timestamp": …, "data": {…}}`` with the headers
`webhook-id` (the same at each try), `webhook-timestamp` and `webhook-signature`, which libraries for
many languages verify (standardwebhooks.com). A status from 200 to 299 says that it has arrived; 410
that nothing more is wanted, so that it is not tried again; all else that it is to be tried later, not
before `Retry-After`. Redirects are not followed, and what is answered is not read.

Options, each a variable `EXTENSION_<NAME>_…`:

`URL`         https, or http on a loopback host; `URL_FILE` names a file that holds it
`SECRET`      `whsec_` and 24 to 64 bytes in base64; of a list each signs, so that it can be changed;
              `SECRET_FILE` names a file that holds it
`EVENTS`      the kinds to send, or what they begin with up to a dot, or `*` for all
              (`user.;login.succeeded;logout`)
`TIMEOUT`     seconds for one try (15); below DELIVERY_TIMEOUT
`ALLOW_HTTP`  whether the URL may be an http one on another host (off): what is sent can then be read
"""

import asyncio
import base64
import binascii
import hmac
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from dhq_auth import Delivery, NotDelivered
from dhq_auth.clock import Clock, utcnow
from dhq_auth.events import kinds
from dhq_auth.plugins.options import read_options
from dhq_auth.redirects import Origin
from dhq_auth.settings.environment import variable
from dhq_auth.settings.parse import Secret, list_of, seconds, switch, text

PREFIX: Final = "whsec_"
GONE: Final = 410
_LONGEST_WAIT: Final = 10**9
"""Seconds beyond which nobody means what he asks for."""


def signing_key(raw: str) -> Secret:
    """Read a secret of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64."""
    try:
        key = base64.b64decode(raw.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not raw.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError(
            "whsec_ and 24 to 64 random bytes in base64, e.g. from: "
            'echo "whsec_$(openssl rand -base64 32)"'
        )
    return Secret(raw)


def address(raw: str) -> Secret:
    """Read a URL; what stands in it may be a secret."""
    Origin.of(raw)
    if "#" in raw:
        raise ValueError("an address without a fragment")
    return Secret(text(raw))


def kind(raw: str) -> str:
    """Read a kind of event, or what kinds begin with, up to a dot."""
    if raw != "*" and not any(_fits(raw, each) for each in kinds()):
        known = ", ".join(sorted(kinds()))
        raise ValueError(f"* for all, or some of {known}, or what they begin with, such as user.")
    return raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options."""

    url: Secret | None = variable("URL", None, address, "where to send", secret=True)
    secrets: tuple[Secret, ...] | None = variable(
        "SECRET", None, list_of(signing_key), "what signs", secret=True
    )
    events: tuple[str, ...] = variable(
        "EVENTS", "user.;login.succeeded;logout", list_of(kind), "kinds of events"
    )
    timeout: float = variable("TIMEOUT", "15", seconds(0.1, 300), "seconds for one try")
    allow_http: bool = variable("ALLOW_HTTP", "off", switch, "whether http may leave the machine")


def configure(options: Mapping[str, str]) -> "Webhook":
    """Return what sends to the URL in *options*; ValueError says what is wrong with them."""
    read = read_options(Options, options)
    if read.url is None:
        raise ValueError("URL: is missing; expected: an https address")
    if not read.secrets:
        raise ValueError("SECRET: is missing; expected: whsec_ and 24 to 64 bytes in base64")
    origin = Origin.of(read.url.value)
    if origin.scheme != "https" and not origin.is_loopback and not read.allow_http:
        raise ValueError(
            "URL: read a secret, not shown; expected: an https address (http is for loopback "
            "hosts only, unless ALLOW_HTTP=on)"
        )
    return Webhook(read.url.value, read.secrets, read)


class Webhook:
    """Sends to *url*, signed with each of *secrets*."""

    def __init__(
        self, url: str, secrets: tuple[Secret, ...], options: Options, now: Clock = utcnow
    ) -> None:
        self._url = url
        self._keys = [base64.b64decode(each.value.removeprefix(PREFIX)) for each in secrets]
        self._events = options.events
        self._timeout = options.timeout
        self._now = now
        self._session: aiohttp.ClientSession | None = None

    def subscribes(self, kind: str) -> bool:
        """Whether events of *kind* are sent."""
        return any(wanted == "*" or _fits(wanted, kind) for wanted in self._events)

    async def deliver(self, delivery: Delivery) -> None:
        """Send *delivery*; raises NotDelivered."""
        try:
            status, headers = await self._post(delivery)
        except TimeoutError:
            raise NotDelivered("no answer in time") from None
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise NotDelivered("its certificate does not hold, or TLS fails") from None
        except aiohttp.ClientConnectorError:
            raise NotDelivered("it cannot be connected to") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NotDelivered(f"no answer: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise NotDelivered(
                f"status {status}",
                retry_after=retry_after(headers.get("Retry-After"), self._now()),
                for_good=status == GONE,
            )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, delivery: Delivery) -> tuple[int, Mapping[str, str]]:
        if self._session is None:
            self._session = self._open()
        body = json.dumps(delivery.payload, separators=(",", ":")).encode()
        headers = self._signed(delivery.id, body)
        async with (
            asyncio.timeout(self._timeout),
            self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as answer,
        ):
            return answer.status, answer.headers

    def _signed(self, delivery_id: str, body: bytes) -> dict[str, str]:
        """Return the headers of Standard Webhooks."""
        sent_at = str(int(self._now().timestamp()))
        signed = f"{delivery_id}.{sent_at}.".encode() + body
        signatures = [
            f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
            for key in self._keys
        ]
        return {
            "webhook-id": delivery_id,
            "webhook-timestamp": sent_at,
            "webhook-signature": " ".join(signatures),
        }

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            # A connection for each: one that was kept may be closed just when it is used again.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            auto_decompress=False,
            headers={"User-Agent": "dhq-auth", "Content-Type": "application/json"},
            raise_for_status=False,
        )


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Return for how long `Retry-After` (RFC 9110 10.2.3) asks to wait; None: it says nothing."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdecimal() and len(value) <= len(str(_LONGEST_WAIT)):
        return timedelta(seconds=int(value))
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(when - now, timedelta(0))


def _fits(wanted: str, kind: str) -> bool:
    return kind.startswith(wanted) if wanted.endswith(".") else kind == wanted
