"""The headers that every answer carries."""

from collections.abc import Iterable
from typing import Final

from aiohttp import hdrs, web
from multidict import istr

from dhq_auth.redirects import Origin
from dhq_auth.settings import Settings
from dhq_auth.web.client import REQUEST_ID

ELSEWHERE = web.RequestKey("ELSEWHERE", str)
"""Set where a proxy hands the answer on as that of another host: where our files are there."""

SERVER: Final = "dhq-auth"
# As `hdrs` has the others: what is spelt once need not be folded for every answer.
_REQUEST_ID: Final = istr("X-Request-Id")
_NO_SNIFFING: Final = istr("X-Content-Type-Options")
_POLICY: Final = istr("Content-Security-Policy")
_REFERRER: Final = istr("Referrer-Policy")
STATIC_LIFETIME = 3600
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def policy_with_forms_to(targets: Iterable[str]) -> str:
    """Return the Content-Security-Policy of a page whose forms may end up at *targets*, too.

    Chromium holds `form-action` against each redirect that answers a form (CSP 3, 6.4.1).
    Raises ValueError for what is no address of http or https.
    """
    origins = (Origin.of(target) for target in targets)
    # No policy can name an IPv6 address: the grammar of hosts has none (CSP 3, 2.3.1).
    sources = (f"{each.scheme}:" if each.host.startswith("[") else str(each) for each in origins)
    allowed = " ".join(["form-action 'self'", *dict.fromkeys(sources)])
    return CONTENT_SECURITY_POLICY.replace("form-action 'self'", allowed)


class Headers:
    """Sets the headers of an answer that are not its own business."""

    def __init__(self, settings: Settings) -> None:
        self._is_https = settings.is_https

    def put(self, request: web.Request, response: web.StreamResponse) -> None:
        """Put them on *response*; what says more of itself there stays."""
        headers = response.headers
        headers[_REQUEST_ID] = request[REQUEST_ID]
        headers[_NO_SNIFFING] = "nosniff"
        headers.setdefault(_POLICY, CONTENT_SECURITY_POLICY)
        headers[_REFERRER] = "no-referrer"
        if self._is_https and ELSEWHERE not in request:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if headers.get(hdrs.CONTENT_TYPE, "").startswith("text/html"):
            # With `no-referrer` browsers send our own forms with `Origin: null` (Fetch standard).
            headers[_REFERRER] = "same-origin"
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["X-Frame-Options"] = "DENY"
        if isinstance(response, web.FileResponse):
            headers[hdrs.CACHE_CONTROL] = f"public, max-age={STATIC_LIFETIME}"
        headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
