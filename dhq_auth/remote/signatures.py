"""The signatures of others: by one key and one algorithm, which the token does not choose."""

from typing import Any, Final

from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

KEY_TYPES: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
"""The type of key that belongs to a public-key algorithm (RFC 7518 6.1, RFC 8037 3.1)."""


def signed_claims(
    token: str, key: RSAKey | ECKey | OKPKey | OctKey, algorithm: str
) -> dict[str, Any]:
    """Return the claims of *token*, which `strict` has read, once *key* verifies it by *algorithm*.

    Raises ValueError or JoseError if it does not.
    """
    from joserfc import jwt  # noqa: PLC0415 - with all of JWE, for who asks an issuer

    return jwt.decode(token, key, registry=_Pinned(algorithm)).claims


class _Pinned(JWSRegistry):
    """One algorithm, and header members of the issuer's own, which mean nothing (RFC 7515 4)."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=[algorithm], strict_check_header=False)
        self._algorithm = algorithm

    def get_alg(self, name: str) -> Any:  # of a type that joserfc does not export
        # Not by the parent's: it warns of `EdDSA`, the name that issuers still write (RFC 9864).
        if name != self._algorithm:
            raise UnsupportedAlgorithmError("another algorithm than the one that is pinned")
        return self.algorithms[name]
