"""The public keys of the auth service: fetched once for all, kept for a while, replaced as a whole."""

import logging
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.jwk import RSAKey

from dhq_auth.sdk.flights import Flights
from dhq_auth.sdk.remote import DEADLINE, Answer, Remote, Unavailable
from dhq_auth.sdk.service_token import Clock, InvalidToken

log = logging.getLogger(__name__)

PATH: Final = "/.well-known/jwks.json"
MIN_AGE, MAX_AGE = timedelta(seconds=30), timedelta(hours=1)
"""The bounds of how long keys count as new, whatever `max-age` the answer names."""
KEEP: Final = timedelta(days=1)
"""How long keys that are no more new serve while none can be fetched."""
COOLDOWN: Final = timedelta(seconds=5)
"""The time between two fetches, whatever tokens are presented."""
PATIENCE: Final = 1.0
"""Seconds to wait for newer keys where the one that is needed is at hand, though not new."""
MAX_KEYS: Final = 50
MIN_BITS, MAX_BITS = 2048, 8192
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})\"?(?=$|[\s,])", re.IGNORECASE)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Wait(NamedTuple):
    """What should land before a key is asked for, and the seconds that this is worth."""

    flight: "Future[Unavailable | None]"
    seconds: float


class Keys(Protocol):
    """The keys that sign service tokens: first wait for what `wait_for` names, then take `key`."""

    def wait_for(self, kid: str) -> Wait | None:
        """Return what may bring the key *kid*, None if there is nothing to wait for."""

    def key(self, kid: str) -> RSAKey:
        """Return the key *kid*; raise InvalidToken if there is none, Unavailable if none is known."""


class OneKey:
    """The key that a PEM text holds, as `/auth/public-key` gives it; there is no other."""

    def __init__(self, pem: str | bytes) -> None:
        self._key = key_of_pem(pem)
        self._kid = self._key.thumbprint()

    def wait_for(self, _kid: str) -> None:
        """Say that there is nothing to wait for."""

    def key(self, kid: str) -> RSAKey:
        """Return the key if it is called *kid*, its RFC 7638 thumbprint; raise InvalidToken if not."""
        if kid != self._kid:
            raise InvalidToken("The token is signed with a key that is not known.")
        return self._key


class PublishedKeys:
    """The keys that the auth service publishes (RFC 7517 5)."""

    def __init__(self, remote: Remote, now: Clock) -> None:
        self._remote = remote
        self._now = now
        self._lock = Lock()
        self._flights: Flights[None] = Flights(threads=1)
        self._keys: Mapping[str, RSAKey] = {}
        self._lifetime = MIN_AGE
        self._fetched_at = self._tried_at = _LONG_AGO
        self._failed: Unavailable | None = Unavailable("the keys have never been fetched")
        self._flight: Future[Unavailable | None] | None = None
        self._patient_until = 0.0

    def wait_for(self, kid: str) -> Wait | None:
        """Return the fetch that may bring the key *kid*, or newer ones in its place."""
        with self._lock:
            now = self._now()
            known = kid in self._keys
            # A clock that was set back must not make anything newer than it is.
            if known and timedelta(0) <= now - self._fetched_at < self._lifetime:
                return None
            if timedelta(0) <= now - self._tried_at < COOLDOWN:
                return None
            flight = self._flights.join(PATH, self._fetch)
            if flight is not self._flight:
                self._flight, self._patient_until = flight, monotonic() + PATIENCE
            if known and self._last(now):
                return Wait(flight, self._patient_until - monotonic())
            return Wait(flight, DEADLINE + 1)

    def key(self, kid: str) -> RSAKey:
        """Return the key *kid* of those that are known."""
        with self._lock:
            key = self._keys.get(kid)
            if key is not None and self._last(self._now()):
                return key
            if self._failed is not None:
                raise Unavailable(str(self._failed)) from self._failed
            if self._flight is not None and not self._flight.done():
                raise Unavailable("the keys of the auth service are slow to come")
        raise InvalidToken("The token is signed with a key that is not known.")

    def _last(self, now: datetime) -> bool:
        """Whether the keys may still be believed."""
        return now - self._fetched_at < self._lifetime + KEEP

    def _fetch(self) -> None:
        failed: Unavailable | None = None
        try:
            answer = self._remote.call("GET", PATH)
            keys = _keys_of(answer)
        except Unavailable as error:
            failed = error
            log.warning("the keys of the auth service could not be fetched: %s", error)
        with self._lock:
            self._failed, self._tried_at = failed, self._now()
            if failed is None:
                self._keys, self._lifetime = keys, _lifetime(answer)
                self._fetched_at = self._tried_at


def key_of_pem(pem: str | bytes) -> RSAKey:
    """Return the RSA public key of 2048 bits or more that *pem* holds; ValueError if there is none."""
    try:
        key = load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("the public key cannot be read: it must be PEM") from error
    if not isinstance(key, RSAPublicKey) or not MIN_BITS <= key.key_size <= MAX_BITS:
        raise ValueError(f"the public key is not RSA of {MIN_BITS} to {MAX_BITS} bits")
    return RSAKey.import_key(key)


def _keys_of(answer: Answer) -> dict[str, RSAKey]:
    """Return the keys of *answer* by `kid`; raise Unavailable if there is none that can be used."""
    try:
        content = answer.json() if answer.status == 200 else None
    except ValueError:
        content = None
    published = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(published, list):
        raise Unavailable(f"no keys at {PATH}: status {answer.status}")
    keys: dict[str, RSAKey] = {}
    for raw in published[:MAX_KEYS]:
        if isinstance(raw, dict) and isinstance(kid := raw.get("kid"), str):
            key = _public_key(raw)
            if key is not None:
                keys.setdefault(kid, key)
    if not keys:
        raise Unavailable(f"no keys at {PATH} that can be used")
    return keys


def _public_key(raw: Mapping[str, object]) -> RSAKey | None:
    """Return the public half of the key that *raw* is, None if it does not sign by RS256."""
    if (raw.get("kty"), raw.get("use", "sig"), raw.get("alg", "RS256")) != ("RSA", "sig", "RS256"):
        return None
    try:
        modulus, exponent = _number(raw.get("n")), _number(raw.get("e"))
        if not MIN_BITS <= modulus.bit_length() <= MAX_BITS or exponent.bit_length() > 32:
            return None
        return RSAKey.import_key(RSAPublicNumbers(exponent, modulus).public_key())
    except (ValueError, TypeError):
        return None


def _number(value: object) -> int:
    """Return the Base64urlUInt *value* (RFC 7518 2)."""
    if not isinstance(value, str) or len(value) > 2 * MAX_BITS // 6:
        raise ValueError("no number")
    return int.from_bytes(urlsafe_b64decode(value + "=" * (-len(value) % 4)))


def _lifetime(answer: Answer) -> timedelta:
    """Return how long the keys of *answer* count as new (RFC 9111 5.2.2.1)."""
    match = _MAX_AGE.search(answer.headers.get("Cache-Control") or "")
    told = timedelta(seconds=int(match[1])) if match else MIN_AGE
    return min(max(told, MIN_AGE), MAX_AGE)
