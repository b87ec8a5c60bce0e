"""What every OAuth server must do, whoever it is: read parameters once, check PKCE, redirect."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web
from multidict import MultiMapping

from tests.fakes.server import ABSENT, Changes

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class ProtocolError(Exception):
    """An error to report in the protocol's words (RFC 6749 4.1.2.1, 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status

    def members(self) -> dict[str, object]:
        return {"error": self.error, "error_description": str(self)}


@dataclass
class Authorization:
    """What a user allowed: all that a code stands for, and the access token made of it."""

    user: Mapping[str, object]
    redirect_uri: str
    scope: frozenset[str]
    at: datetime
    challenge: str | None = None
    nonce: str | None = None
    spent: bool = False
    access_token: str = field(default_factory=lambda: "at-" + secrets.token_urlsafe(24))


def refusal(error: str = "access_denied", description: str | None = None) -> Changes:
    """Return the changes that make an authorization response an error."""
    return {"code": ABSENT, "error": error, "error_description": description or ABSENT}


def singly(parameters: MultiMapping[object]) -> dict[str, str]:
    """Return the parameters that have a value; refuse repeated ones (RFC 6749 3.1, 3.2)."""
    found: dict[str, str] = {}
    for name, value in parameters.items():
        if name in found:
            raise ProtocolError("invalid_request", f"{name} is given more than once")
        found[name] = str(value)
    return {name: value for name, value in found.items() if value}


async def form_of(request: web.Request) -> dict[str, str]:
    """Return the parameters of a token request, which come in a form alone (RFC 6749 3.2)."""
    if request.query or request.content_type != "application/x-www-form-urlencoded":
        raise ProtocolError("invalid_request", "the parameters belong into a form")
    return singly(await request.post())


def challenge_of(parameters: Mapping[str, str], *, required: bool) -> str | None:
    """Return the S256 challenge of an authorization request (RFC 7636 4.3)."""
    challenge = parameters.get("code_challenge")
    method = parameters.get("code_challenge_method")
    if challenge is None:
        if required or method is not None:
            raise ProtocolError("invalid_request", "code_challenge is missing")
        return None
    if method != "S256":
        raise ProtocolError("invalid_request", "code_challenge_method must be S256")
    if not CHALLENGE.fullmatch(challenge):
        raise ProtocolError("invalid_request", "code_challenge is not base64url of a SHA-256")
    return challenge


def proves(verifier: str | None, challenge: str | None) -> bool:
    """Tell whether *verifier* belongs to *challenge*; having only one of them is a downgrade."""
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    return bool(VERIFIER.fullmatch(verifier)) and s256(verifier) == challenge


def s256(verifier: str) -> str:
    """Return the S256 challenge of *verifier* (RFC 7636 4.2)."""
    return base64url(hashlib.sha256(verifier.encode()).digest())


def base64url(data: bytes) -> str:
    """Return *data* in base64url without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def redirect_with(uri: str, parameters: Mapping[str, object]) -> web.Response:
    """Return the redirect to *uri* that carries *parameters* behind its own (RFC 6749 4.1.2)."""
    parts = urlsplit(uri)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *parameters.items()]
    location = urlunsplit(parts._replace(query=urlencode(query)))
    return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})


def bearer(request: web.Request) -> str | None:
    """Return the token of the Authorization header (RFC 6750 2.1)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and token else None
