"""Somebody who hears all that goes over the wire, and knows every form a secret can hide in."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from aiohttp import ClientResponse
from yarl import URL

from tests.fixtures.service import Browser

NAMES = {"token", "password", "code", "jwt", "state", "nonce"}
"""The fields and parameters whose values are secret."""
LEAST = 12
"""Characters below which a value is found anywhere by chance."""


class Eavesdropper:
    """Makes requests, and keeps the secrets and the refusals that it heard of."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.passwords: list[str] = []
        self.refusals: list[str] = []
        self.locations: list[str] = []

    def knows(self, what: str, secret: str) -> str:
        """Remember *secret*, and what of it is secret by itself; return it."""
        self.secrets[secret] = what
        if secret.startswith("ey"):
            self.secrets[secret.rpartition(".")[2]] = f"signature of {what}"
        if secret.startswith("6879-"):
            self.secrets[secret[5:-6]] = f"random part of {what}"
        return secret

    def password(self, text: str) -> str:
        """Remember a password, which can be guessed where a fast hash of it is."""
        self.passwords.append(text)
        return self.knows("password", text)

    async def ask(
        self, browser: Browser, method: str, url: str, status: int, **sent: Any
    ) -> ClientResponse:
        """Return the answer of *status* to a request; *url* is encoded already."""
        answer = await browser.request(method, URL(url, encoded=True), **sent)
        body = await answer.text()
        assert answer.status == status, (url, answer.status, body)
        self._hear(answer, body)
        return answer

    def _hear(self, answer: ClientResponse, body: str) -> None:
        for name, morsel in answer.cookies.items():
            if len(morsel.value) >= LEAST:
                self.knows(f"cookie {name}", morsel.value)
        location = answer.headers.get("Location", "")
        for address in (str(answer.url), location):
            self._take(dict(parse_qsl(urlsplit(address).query)))
        if answer.content_type == "application/json":
            self._take(json.loads(body))
        if location:
            self.locations.append(location)
        if answer.status >= 400:
            self.refusals.append(f"{answer.headers}\n{body}")

    def _take(self, found: Any) -> None:
        for name in NAMES & found.keys() if isinstance(found, dict) else ():
            if isinstance(found[name], str) and len(found[name]) >= LEAST:
                self.knows(name, found[name])

    def found_in(self, heap: bytes) -> set[str]:
        """Return what of the secrets can be read in *heap*, in whatever form."""
        found = {
            f"{what} ({form})"
            for secret, what in self.secrets.items()
            for form, needle in forms(secret)
            if needle in heap
        }
        return found | {
            f"{form} of the password {secret!r}"
            for secret in self.passwords
            for form, needle in fast_hashes(secret)
            if needle in heap
        }


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """Give every form of *secret* from which it can be had back."""
    raw = secret.encode()
    yield "clear", raw
    yield "UTF-16", secret.encode("utf-16-le")
    yield "backwards", raw[::-1]
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "URL", quote(secret, safe="").encode()
    for spelling in (raw, raw[::-1]):
        yield "hex", spelling.hex().encode()
        yield "HEX", spelling.hex().upper().encode()
    for offset in range(3):
        # What stands before it moves the letters of base64; those of the ends are left out.
        encoded = base64.b64encode(b"\0" * offset + raw)[(0, 2, 3)[offset] :].rstrip(b"=")[:-1]
        yield "base64", encoded
        yield "base64url", encoded.translate(bytes.maketrans(b"+/", b"-_"))


def fast_hashes(password: str) -> Iterator[tuple[str, bytes]]:
    """Give the hashes of *password* that are tried by the thousand million in a second."""
    for spelling in {password, password.casefold(), password.strip()}:
        for name in ("md5", "sha1", "sha256", "sha512"):
            digest = hashlib.new(name, spelling.encode(), usedforsecurity=False).digest()
            yield name, digest
            yield name, digest.hex().encode()
            yield name, base64.b64encode(digest).rstrip(b"=")
