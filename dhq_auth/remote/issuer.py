"""Another issuer, as it describes itself: its metadata, and the keys that verify its tokens."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Final

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from dhq_auth.clock import Clock
from dhq_auth.errors import UpstreamFailed
from dhq_auth.message import Message
from dhq_auth.redirects import Origin
from dhq_auth.remote.cache import Cached
from dhq_auth.remote.calls import Remote
from dhq_auth.remote.signatures import KEY_TYPES, signed_claims
from dhq_auth.settings import Limits

log = logging.getLogger(__name__)

Key = RSAKey | ECKey | OKPKey
MAX_KEYS: Final = 50
_KEYS: Final[dict[str, type[Key]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class OpenIdIssuer:
    """The metadata and the keys of one issuer (OpenID Connect Discovery 4).

    Its metadata must have the *endpoints* that are named, beside that of its keys.
    """

    def __init__(
        self,
        name: str,
        issuer: str,
        remote: Remote,
        limits: Limits,
        now: Clock,
        *,
        endpoints: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.issuer = issuer
        self._remote = remote
        self._endpoints = ("jwks_uri", *endpoints)
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

    async def keys_for(self, algorithm: str) -> Sequence[Key]:
        """Return those of the keys, as far as known, that verify by *algorithm*."""
        return [key for key in await self.keys() if _fits(key, algorithm)]

    async def newer_keys(self) -> Sequence[Key]:
        """Return the keys, asked for again unless that was done within the cool-down."""
        return await self._keys.refetched()

    async def claims(self, token: str, header: Mapping[str, Any]) -> dict[str, Any]:
        """Return the claims of *token* once its signature holds: by newer keys, if not by those known.

        The caller has read *header* strictly, and judged its algorithm. Raises ValueError or
        JoseError if the signature does not hold, and UpstreamFailed or UpstreamTimeout as `keys`.
        """
        try:
            return _signed_by(await self.keys(), token, header)
        except (ValueError, JoseError):
            return _signed_by(await self.newer_keys(), token, header)

    async def _fetch_metadata(self) -> Mapping[str, Any]:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = await self._remote.call(self.name, "GET", url)
        metadata = answer.content
        if answer.status != 200 or not isinstance(metadata, dict):
            raise UpstreamFailed(Message("{name} has no metadata", name=self.name))
        if metadata.get("issuer") != self.issuer:
            log.error("%s: the metadata is of another issuer than %s", self.name, self.issuer)
            raise UpstreamFailed(Message("{name} says that it is another issuer", name=self.name))
        for endpoint in self._endpoints:
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
            raise UpstreamFailed(
                Message("{name} has an endpoint that cannot be used", name=self.name)
            )

    async def _fetch_keys(self) -> Sequence[Key]:
        url = (await self.metadata())["jwks_uri"]
        answer = await self._remote.call(self.name, "GET", url)
        keys = answer.content.get("keys") if isinstance(answer.content, dict) else None
        if answer.status != 200 or not isinstance(keys, list):
            raise UpstreamFailed(Message("{name} has no keys", name=self.name))
        usable = [key for raw in keys[:MAX_KEYS] if (key := _signature_key(raw)) is not None]
        if not usable:
            raise UpstreamFailed(Message("{name} has no keys that can be used", name=self.name))
        return usable


def _signed_by(keys: Sequence[Key], token: str, header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of *token*, signed by the one of *keys* that its header means (Core 10.1)."""
    algorithm, kid = header["alg"], header.get("kid")
    meant = [key for key in keys if _fits(key, algorithm) and kid in (None, key.kid)]
    if not meant or (kid is None and len(meant) > 1):
        raise ValueError("signed with a key that is not known")
    return signed_claims(token, meant[0], algorithm)


def _fits(key: Key, algorithm: str) -> bool:
    """Whether *key* is of the kind that verifies by *algorithm*, and not published for another."""
    return key.key_type == KEY_TYPES[algorithm] and key.alg in (None, algorithm)


def _signature_key(raw: object) -> Key | None:
    """Return the public key that *raw* is (RFC 7517 4), or None if we cannot or must not use it."""
    if not isinstance(raw, dict) or raw.get("use", "sig") != "sig":
        return None
    kind = raw.get("kty")
    if not isinstance(kind, str) or kind not in _KEYS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)  # RSA below 2048 bits
            return _KEYS[kind].import_key(raw)
    except (JoseError, SecurityWarning, ValueError, TypeError, KeyError, OverflowError):
        return None
