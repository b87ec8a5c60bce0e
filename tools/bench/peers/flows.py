"""What is sent to get a token: forms, credentials, and the code flow with PKCE."""

import json
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from aiohttp import ClientSession
from yarl import URL

from dhq_auth.opaque import s256
from tools.bench.peers.peer import NAME

SECRET: Final = "secret-of-the-application"  # noqa: S105 - of a benchmark
BACK: Final = "https://application.example/back"
JSON: Final = {"Content-Type": "application/json"}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
APPLICATION: Final = {
    **FORM,
    "Authorization": f"Basic {b64encode(f'{NAME}:{SECRET}'.encode()).decode()}",
}
"""The headers of a form that the application *NAME* sends."""
LOGGED_IN: Final = 64
"""How often somebody agrees: of as many refresh tokens no two requests at once send the same."""
REFRESH: Final = "grant_type=refresh_token&refresh_token={token}"


def bearer(token: str) -> Mapping[str, str]:
    """Return the header that presents *token* (RFC 6750 2.1)."""
    return {"Authorization": f"Bearer {token}"}


def cookie(cookies: SimpleCookie) -> Mapping[str, str]:
    """Return the header that sends *cookies* back."""
    return {"Cookie": "; ".join(f"{name}={each.value}" for name, each in cookies.items())}


@dataclass(frozen=True, slots=True)
class Issued:
    """What the application was given: an access token, and refresh tokens of as many logins."""

    access: str
    refresh: Sequence[str]


async def code_flow(
    client: ClientSession, base: str, authorize: str, token: str, **asked: str
) -> Issued:
    """Let *client*, a browser that is known there, agree; redeem the codes, again and again."""
    given = [
        await _once(client, f"{base}{authorize}", f"{base}{token}", asked) for _ in range(LOGGED_IN)
    ]
    return Issued(given[0]["access_token"], [each["refresh_token"] for each in given])


async def _once(
    client: ClientSession, authorize: str, token: str, asked: Mapping[str, str]
) -> Mapping[str, str]:
    verifier = secrets.token_urlsafe(48)
    query = {
        "client_id": NAME,
        "response_type": "code",
        "redirect_uri": BACK,
        "state": secrets.token_urlsafe(16),
        "code_challenge": s256(verifier),
        "code_challenge_method": "S256",
        **asked,
    }
    url = f"{authorize}?{urlencode(query)}"
    while not url.startswith(BACK):
        async with client.get(URL(url, encoded=True), allow_redirects=False) as answer:
            url = urljoin(url, answer.headers["Location"])
    sent = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(url).query)["code"][0],
        "redirect_uri": BACK,
        "code_verifier": verifier,
    }
    async with client.post(token, data=urlencode(sent), headers=APPLICATION) as answer:
        answer.raise_for_status()
        given: Mapping[str, str] = json.loads(await answer.text())
    return given
