"""JWTs of other systems, as TRUSTED_ISSUERS names them (RFC 7519 7.2, RFC 8725 3).

What a token says of its issuer chooses whose keys verify it, and nothing else: whom its subject is
a subject of is said by the settings.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from dhq_auth.accounts.identities.store import MAX_SUBJECT
from dhq_auth.clock import Clock
from dhq_auth.errors import InvalidCredential, UpstreamTimeout
from dhq_auth.message import Message
from dhq_auth.remote import OpenIdIssuer, Remote, signed_claims
from dhq_auth.sdk import strict
from dhq_auth.settings import Limits, Secret, TrustedIssuer
from dhq_auth.settings.issuer_keys import VerificationKey

log = logging.getLogger(__name__)

TYPES: Final = frozenset({"jwt", "at+jwt"})
"""Types of tokens that are credentials: of no type in particular, or access tokens (RFC 9068 2.1).

All others are for another purpose, those of ours and those yet to be invented included: logout and
security event tokens, proofs of possession, request objects (RFC 8725 3.11).
"""
_OTHER_PURPOSES: Final = {
    "events": "a security event or a logout (RFC 8417 2.2), not a credential",
    "cnf": "bound to a key that nobody has shown (RFC 7800 3.1)",
}
_Key = RSAKey | ECKey | OKPKey | OctKey


@dataclass(frozen=True, slots=True)
class ForeignClaims:
    """What a trusted issuer says of the bearer, made by `TrustedIssuers.verify` alone.

    `issuer` is what the settings call it: its address, or its name where it has but a key. `local`
    is whether `subject` is an id of ours, rather than one of theirs that is linked to a user.
    """

    issuer: str
    subject: str
    local: bool
    token_id: str | None
    issued_at: datetime | None
    expires_at: datetime


class TrustedIssuers:
    """The other systems whose JWTs are believed."""

    def __init__(
        self, issuers: Sequence[TrustedIssuer], remote: Remote, limits: Limits, now: Clock
    ) -> None:
        self._limits = limits
        self._now = now
        self._own = issuers[0].own_address if issuers else None
        self._published = {
            issuer.url: (issuer, OpenIdIssuer(issuer.name, issuer.url, remote, limits, now))
            for issuer in issuers
            if issuer.url
        }
        self._keyed = [(issuer, _jwk(issuer.key)) for issuer in issuers if issuer.key]

    async def verify(self, token: str) -> ForeignClaims | None:
        """Return what *token* says, or None if it is of none of these issuers.

        Raises InvalidCredential if it is theirs and bad, with the reason `expired` or `invalid`;
        UpstreamFailed or UpstreamTimeout while the keys of its issuer were never to be had.
        """
        if not (self._published or self._keyed):
            return None
        try:
            header = strict.header_of(token, self._limits.max_token)
            claimed = strict.issuer_of(token)
        except ValueError:
            return None
        published = self._published.get(claimed) if isinstance(claimed, str) else None
        if published is None and (not self._keyed or claimed == self._own):
            return None
        try:
            if published is not None:
                issuer, keys = published
                claims = await self._fetched(issuer, keys, token, header)
            else:
                issuer, claims = self._kept(token)
            return self._believed(issuer, header, claims)
        except strict.MALFORMED as error:
            # The words of others may hold what no log should.
            why = error if type(error) is ValueError else type(error).__name__
            log.info("a token of another system was refused: %s", why)
            raise InvalidCredential("the token is not valid") from error

    async def _fetched(
        self, issuer: TrustedIssuer, keys: OpenIdIssuer, token: str, header: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the claims of *token*, once one of the keys that *issuer* publishes verifies it."""
        if header["alg"] != issuer.algorithm:
            raise ValueError("another algorithm than that of its issuer")
        try:
            async with asyncio.timeout(self._limits.remote_login_timeout):
                return await keys.claims(token, header)
        except TimeoutError:
            raise UpstreamTimeout(
                Message("{name} did not answer in time", name=issuer.name)
            ) from None

    def _kept(self, token: str) -> tuple[TrustedIssuer, dict[str, Any]]:
        """Return the claims of *token*, and whose key of those in the settings verifies it."""
        for issuer, key in self._keyed:
            with suppress(*strict.MALFORMED):
                return issuer, signed_claims(token, key, issuer.algorithm)
        raise ValueError("signed by no key that is known")

    def _believed(
        self, issuer: TrustedIssuer, header: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> ForeignClaims:
        """Return what the *claims* mean, once all that is said about their use holds."""
        _check_purpose(header, claims)
        _check_audience(issuer.audience, claims)
        subject = _subject(claims.get(issuer.claim))
        token_id = _text(claims["jti"]) if "jti" in claims else None
        expires_at = strict.numeric_date(claims.get("exp"))
        issued_at = strict.numeric_date(claims["iat"]) if "iat" in claims else None
        not_before = strict.numeric_date(claims["nbf"]) if "nbf" in claims else None
        now, leeway = self._now(), self._limits.clock_leeway
        if any(time is not None and time > now + leeway for time in (issued_at, not_before)):
            raise ValueError("not valid yet")
        if expires_at <= now - leeway:
            raise InvalidCredential("the token has expired", reason="expired")
        return ForeignClaims(
            issuer.identity, subject, issuer.local, token_id, issued_at, expires_at
        )


def _check_purpose(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Refuse a token that was made for something else than to be a credential of its bearer."""
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
        raise ValueError("another type of token")
    for name, what in _OTHER_PURPOSES.items():
        if name in claims:
            raise ValueError(what)
    if not isinstance(claims.get("iss", ""), str):
        raise ValueError("its issuer is no text")


def _check_audience(expected: str | None, claims: Mapping[str, Any]) -> None:
    """Refuse a token that is for somebody else (RFC 7519 4.1.3)."""
    if expected is None:
        if "aud" in claims:
            raise ValueError("for an audience, and none is set")
        return
    named = claims.get("aud")
    audiences = named if isinstance(named, list) else [named]
    if expected not in audiences or not all(isinstance(each, str) for each in audiences):
        raise ValueError("for another audience")


def _subject(value: object) -> str:
    """Read the claim that says who it is: text, or a number of a database."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        value = str(value)
    return _text(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SUBJECT or not value.isprintable():
        raise ValueError(f"a name in it is no text of up to {MAX_SUBJECT} printable characters")
    return value


def _jwk(key: VerificationKey) -> _Key:
    """Return *key* as joserfc takes it."""
    if isinstance(key.value, Secret):
        return OctKey.import_key(key.value.value.encode())
    if isinstance(key.value, RSAPublicKey):
        return RSAKey.import_key(key.value)
    if isinstance(key.value, EllipticCurvePublicKey):
        return ECKey.import_key(key.value)
    return OKPKey.import_key(key.value)
