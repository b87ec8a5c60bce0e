"""Other systems that sign JWTs, by PyJWT: none of our own code makes these tokens."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dhq_auth.credentials.trusted_issuers import TrustedIssuers
from dhq_auth.errors import InvalidCredential
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import ABSENT, changed
from tests.fixtures.service import FrozenClock
from tests.tokens.forgeries import encoded

SECRET = "a secret that corp and we have in common"
Believe = Callable[[dict[str, str]], TrustedIssuers]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
MADE: Mapping[str, Callable[[], PrivateKey]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@cache
def key_of(algorithm: str, owner: str = "corp") -> PrivateKey:
    """Return the key of *owner*, the same all the time."""
    return MADE[algorithm]()


def public_pem(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def published(key: PrivateKey, **members: object) -> dict[str, object]:
    """Return the JWK of *key*, as PyJWT writes it; ABSENT removes a member."""
    algorithms = pyjwt.algorithms
    if isinstance(key, rsa.RSAPrivateKey):
        jwk = algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        jwk = algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        jwk = algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    return changed({**jwk, "kid": "1", "use": "sig"}, members)


@dataclass
class Corp:
    """A system that signs JWTs by one key; a second one may say that it is the first."""

    clock: FrozenClock
    key: PrivateKey | str
    algorithm: str
    url: str | None = None
    kid: str = "1"

    def token(self, header: Mapping[str, object] | None = None, **claims: object) -> str:
        """Return a good token of the user 1001 with these members changed; ABSENT removes one."""
        headers = {**({"kid": self.kid} if self.url else {}), **(header or {})}
        return pyjwt.encode(changed(self._truth, claims), self.key, self.algorithm, headers=headers)

    def written(self, header: Mapping[str, object] | None = None, **claims: object) -> str:
        """Return the same of members that PyJWT refuses to write."""
        truth = {"alg": self.algorithm, "typ": "JWT", **({"kid": self.kid} if self.url else {})}
        parts = (changed(truth, dict(header or {})), changed(self._truth, claims))
        text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        algorithm = pyjwt.get_algorithm_by_name(self.algorithm)
        return f"{text}.{encoded(algorithm.sign(text.encode(), algorithm.prepare_key(self.key)))}"

    @property
    def _truth(self) -> dict[str, Any]:
        now = int(self.clock.now.timestamp())
        issuer = {"iss": self.url} if self.url else {}
        return {"user_id": "1001", "iat": now, "exp": now + 600, "jti": "a", **issuer}


def with_key(clock: FrozenClock, algorithm: str = "ES256") -> tuple[Corp, dict[str, str]]:
    """Return a system whose key the settings have, and those settings."""
    environ = {"TRUSTED_ISSUERS": "corp"}
    if algorithm == "HS256":
        return Corp(clock, SECRET, "HS256"), environ | {"ISSUER_CORP_KEY": SECRET}
    key = key_of(algorithm)
    return Corp(clock, key, algorithm), environ | {"ISSUER_CORP_KEY": public_pem(key)}


def with_url(
    clock: FrozenClock, server: OidcIssuer, algorithm: str = "RS256"
) -> tuple[Corp, dict[str, str]]:
    """Return a system that publishes its key at *server*, and the settings that name it."""
    key = key_of("RS256" if algorithm == "PS256" else algorithm)
    server.lies.jwks = {"keys": [published(key)]}
    return Corp(clock, key, algorithm, server.url), {
        "TRUSTED_ISSUERS": "corp",
        "ISSUER_CORP_URL": server.url,
        "ISSUER_CORP_ALGORITHM": algorithm,
    }


__all__ = ["ABSENT", "SECRET", "Corp", "key_of", "public_pem", "published", "with_key", "with_url"]


async def reason(trusted: TrustedIssuers, token: str) -> str | None:
    """Return why *token* is refused: the reason, or None where it is of nobody trusted."""
    try:
        claims = await trusted.verify(token)
    except InvalidCredential as error:
        return error.reason
    assert claims is None, claims
    return None


async def holds(trusted: TrustedIssuers, token: str) -> bool:
    try:
        return await trusted.verify(token) is not None
    except InvalidCredential:
        return False
