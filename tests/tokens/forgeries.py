"""Tokens that look like ours and are not: each a function of what a forger knows, by name.

A `Mint` knows more than any forger, our own keys, so that what is wrong is wrong by itself and
not for want of a good signature.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey

from dhq_auth.tokens.key import SigningKey, private_pem
from tests.fakes.server import ABSENT

SHA256 = padding.PKCS1v15()
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Sign = Callable[[bytes], bytes]


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def rs256(key: rsa.RSAPrivateKey) -> Sign:
    return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def hs256(secret: str) -> Sign:
    return lambda data: hmac.digest(secret.encode(), data, hashlib.sha256)


@dataclass
class Mint:
    """Makes tokens like the valid *token*, by the keys that made that."""

    token: str
    login: SigningKey
    service: SigningKey

    @property
    def header(self) -> dict[str, Any]:
        return self._part(0)

    @property
    def claims(self) -> dict[str, Any]:
        return self._part(1)

    @property
    def key(self) -> rsa.RSAPrivateKey:
        return private_key(self.login)

    def raw(self, header: bytes, claims: bytes, sign: Sign | None = None) -> str:
        """Return a token of just these bytes."""
        signed = f"{encoded(header)}.{encoded(claims)}"
        return f"{signed}.{encoded((sign or rs256(self.key))(signed.encode()))}"

    def signed(
        self,
        header: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
        sign: Sign | None = None,
    ) -> str:
        """Return the valid token with these members changed, signed anew; ABSENT removes one."""
        return self.raw(_json(self.header, header), _json(self.claims, claims), sign)

    def _part(self, number: int) -> dict[str, Any]:
        part = self.token.split(".")[number]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))  # type: ignore[no-any-return]


def private_key(key: SigningKey) -> rsa.RSAPrivateKey:
    private = key.jwk.private_key
    assert isinstance(private, rsa.RSAPrivateKey)
    return private


def _json(truth: Mapping[str, Any], changes: Mapping[str, Any] | None) -> bytes:
    merged = {**truth, **(changes or {})}
    return json.dumps({k: v for k, v in merged.items() if v is not ABSENT}).encode()


def _unsigned(alg: object) -> Callable[[Mint], str]:
    return lambda mint: mint.signed({"alg": alg}, sign=lambda _: b"")


def _header(**changes: object) -> Callable[[Mint], str]:
    return lambda mint: mint.signed(changes)


def _claim(**changes: object) -> Callable[[Mint], str]:
    return lambda mint: mint.signed(claims=changes)


def _written(part: str, old: str, new: str) -> Callable[[Mint], str]:
    """Change the JSON text of *part* in ways that no dict can express, and sign that."""

    def forge(mint: Mint) -> str:
        texts = {"header": json.dumps(mint.header), "claims": json.dumps(mint.claims)}
        assert old in texts[part]
        texts[part] = texts[part].replace(old, new, 1)
        return mint.raw(texts["header"].encode(), texts["claims"].encode())

    return forge


def _text(change: Callable[[str], str]) -> Callable[[Mint], str]:
    return lambda mint: change(mint.token)


def _with_own_key(name: str) -> Callable[[Mint], str]:
    """Bring the key along, or say where it can be fetched."""
    jwk = RSAKey.import_key(OTHER_RSA)
    value: object = {
        "jwk": jwk.as_dict(private=False),
        "x5c": [base64.b64encode(b"certificate").decode()],
    }.get(name, "http://127.0.0.1:9/keys")
    header = {name: value, "kid": jwk.thumbprint()}
    return lambda mint: mint.signed(header, sign=rs256(OTHER_RSA))


def _elliptic(mint: Mint) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return mint.signed(
        {"alg": "ES256"}, sign=lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))
    )


def _edwards(mint: Mint) -> str:
    return mint.signed({"alg": "EdDSA"}, sign=ed25519.Ed25519PrivateKey.generate().sign)


def _rsa(alg: str, padded: Any, digest: hashes.HashAlgorithm) -> Callable[[Mint], str]:
    return lambda mint: mint.signed(
        {"alg": alg}, sign=lambda data: mint.key.sign(data, padded, digest)
    )


_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def _flattened(mint: Mint) -> str:
    protected, payload, signature = mint.token.split(".")
    return json.dumps({"protected": protected, "payload": payload, "signature": signature})


def _public_text(mint: Mint) -> str:
    public = mint.key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _as_service(mint: Mint) -> dict[str, object]:
    return {"typ": "JWT", "kid": mint.service.kid}


ALGORITHMS: dict[str, Callable[[Mint], str]] = {
    **{f"alg {alg!r}, no signature": _unsigned(alg) for alg in ("none", "None", "NONE", "nOnE")},
    **{
        f"alg {alg!r}": _header(alg=alg)
        for alg in ("none", "NONE", "rs256", "RS256 ", "", None, 7, True, ["RS256"], {}, ABSENT)
    },
    "HS256 by the public key": lambda m: m.signed({"alg": "HS256"}, sign=hs256(_public_text(m))),
    "HS256 by the public service key": lambda m: m.signed(
        {"alg": "HS256", "kid": m.service.kid}, sign=hs256(m.service.public_pem)
    ),
    "HS256 by the private key, as 0.1.6 did": lambda m: m.signed(
        {"alg": "HS256", "typ": "JWT", "kid": ABSENT},
        sign=hs256(private_pem(private_key(m.service))),
    ),
    "HS256 by nothing": lambda m: m.signed({"alg": "HS256"}, sign=hs256("")),
    "RS384": _rsa("RS384", padding.PKCS1v15(), hashes.SHA384()),
    "RS512": _rsa("RS512", padding.PKCS1v15(), hashes.SHA512()),
    "PS256": _rsa("PS256", _PSS, hashes.SHA256()),
    "RS256 that is PS256": _rsa("RS256", _PSS, hashes.SHA256()),
    "ES256": _elliptic,
    "EdDSA": _edwards,
}
KEYS: dict[str, Callable[[Mint], str]] = {
    "another key": lambda m: m.signed(sign=rs256(OTHER_RSA)),
    "the service key": lambda m: m.signed(
        {"kid": m.service.kid}, sign=rs256(private_key(m.service))
    ),
    "the service key under our kid": lambda m: m.signed(sign=rs256(private_key(m.service))),
    **{
        f"kid {kid!r}": _header(kid=kid)
        for kid in (
            *(
                "unknown",
                "",
                "../../../../dev/null",
                "/etc/passwd",
                "' OR '1'='1",
                "\x00",
                "\ud800",
            ),
            *(None, 0, 7, 1.5, True, [], ["a"], {"a": 1}, "k" * 5000, ABSENT),
        )
    },
    **{f"its own {name}": _with_own_key(name) for name in ("jwk", "jku", "x5u", "x5c")},
    **{f"{name} beside a good kid": _header(**{name: "http://x"}) for name in ("jku", "x5u")},
}
HEADERS: dict[str, Callable[[Mint], str]] = {
    **{f"crit {crit!r}": _header(crit=crit) for crit in (["exp"], ["b64"], [], "exp", None, 7, {})},
    **{f"b64 {b64!r}": _header(b64=b64) for b64 in (False, True, None)},
    "b64 named in crit": _header(b64=False, crit=["b64"]),
    "zip": _header(zip="DEF"),
    "cty": _header(cty="JWT"),
    "enc": _header(enc="A256GCM"),
    **{
        f"typ {typ!r}": _header(typ=typ)
        for typ in (
            *("JWT", "jwt", "at+jwt", "LOGIN+JWT", "application/login+jwt", "login+jwt ", ""),
            *(None, 7, ["login+jwt"], {}, ABSENT),
        )
    },
    "a service token": lambda m: m.signed(
        _as_service(m), {"service": "x", "permissions": {}}, rs256(private_key(m.service))
    ),
    "alg twice": _written("header", '"alg": "RS256"', '"alg": "none", "alg": "RS256"'),
    "kid twice": _written("header", '"kid": ', '"kid": "x", "kid": '),
    "a header that is a list": lambda m: m.raw(b"[]", json.dumps(m.claims).encode()),
    "a header that is no JSON": lambda m: m.raw(b"{", json.dumps(m.claims).encode()),
    "a deep header": lambda m: m.raw(
        json.dumps(m.header).encode()[:-1] + b', "x": ' + b"[" * 2500 + b"]" * 2500 + b"}",
        json.dumps(m.claims).encode(),
    ),
}
_TIMES = (
    *(None, "", "1", "9999999999", True, False, [], [9999999999], {}, ABSENT),
    *(10**30, -(10**30), 10**400, 1e308, 10**4000),
)
CLAIMS: dict[str, Callable[[Mint], str]] = {
    **{
        f"exp {str(exp)[:20]!r} ({type(exp).__name__})": _claim(exp=exp) for exp in (*_TIMES, 0, -1)
    },
    **{f"iat {str(iat)[:20]!r} ({type(iat).__name__})": _claim(iat=iat) for iat in _TIMES},
    **{
        f"nbf {str(nbf)[:20]!r} ({type(nbf).__name__})": _claim(nbf=nbf)
        for nbf in _TIMES
        if nbf is not ABSENT and nbf != -(10**30)
    },
    "exp NaN": _claim(exp=float("nan")),
    "exp Infinity": _claim(exp=float("inf")),
    "exp 1e999": _written("claims", '"exp": ', '"exp": 1e999, "old": '),
    "exp of 5,000 digits": _written("claims", '"exp": ', f'"exp": {"9" * 5000}, "old": '),
    "NaN elsewhere": _claim(x=float("nan")),
    **{
        f"iss {iss!r}": _claim(iss=iss)
        for iss in (*("", "http://evil.example", "HTTP://LOCALHOST:8000"), None, 7, [], {}, ABSENT)
    },
    "iss with a slash": lambda m: m.signed(claims={"iss": f"{m.claims['iss']}/"}),
    "iss in a list": lambda m: m.signed(claims={"iss": [m.claims["iss"]]}),
    **{
        f"{name} {value!r}": _claim(**{name: value})
        for name in ("sub", "jti", "sid")
        for value in ("", None, 0, 7, True, [], ["a"], {}, "\x00", "a\x00b", "\ud800", "é", ABSENT)
    },
    **{f"aud {aud!r}": _claim(aud=aud) for aud in ("x", ["x"], "http://localhost:8000", None)},
    "sub twice": _written("claims", '"sub": ', '"sub": "admin", "sub": '),
    "exp twice": _written("claims", '"exp": ', '"exp": 9999999999, "exp": '),
    "claims that are a list": lambda m: m.raw(json.dumps(m.header).encode(), b"[]"),
    "claims that are null": lambda m: m.raw(json.dumps(m.header).encode(), b"null"),
    "claims that are no JSON": lambda m: m.raw(json.dumps(m.header).encode(), b"{}}"),
    "claims that are not UTF-8": lambda m: m.raw(json.dumps(m.header).encode(), b'{"a": "\xff"}'),
    "claims with a byte order mark": lambda m: m.raw(
        json.dumps(m.header).encode(), b"\xef\xbb\xbf" + json.dumps(m.claims).encode()
    ),
    "deep claims": lambda m: m.raw(
        json.dumps(m.header).encode(),
        json.dumps(m.claims).encode()[:-1] + b', "x": ' + b"[" * 2000 + b"]" * 2000 + b"}",
    ),
}
WRITING: dict[str, Callable[[Mint], str]] = {
    **{
        f"{name} {where}": _text(change)
        for name, junk in (
            *(("a blank", " "), ("a tab", "\t"), ("padding", "="), ("a dot", "."), ("NUL", "%00")),
            *(("junk", "!"), ("a letter", "A"), ("a letter of ours that is not ASCII", "é")),
        )
        for where, change in (
            ("in front", lambda token, junk=junk: junk + token),
            ("inside", lambda token, junk=junk: token.replace(".", f"{junk}.", 1)),
            ("behind", lambda token, junk=junk: token + junk),
        )
    },
    "padded": _text(lambda t: ".".join(part + "=" * (-len(part) % 4) for part in t.split("."))),
    "two parts": _text(lambda t: t.rpartition(".")[0]),
    "no signature": _text(lambda t: t.rpartition(".")[0] + "."),
    "half a signature": _text(lambda t: t[:-171]),
    "the signature twice": _text(lambda t: f"{t}.{t.rpartition('.')[2]}"),
    "no header": _text(lambda t: t[t.index(".") :]),
    "five parts, as a JWE has": _text(lambda t: f"{t.rpartition('.')[0]}.a.b.c"),
    "JSON serialization": _flattened,
    "in quotes": _text(lambda t: f'"{t}"'),
    "in capitals": _text(str.upper),
    "as bytes of Python": _text(lambda t: f"b'{t}'"),
    "with a scheme": _text(lambda t: f"Bearer {t}"),
    "over 8 kB": lambda m: m.signed(claims={"x": "x" * 6000}),
    "a word": lambda _: "token",
    "dots": lambda _: "..",
    "an API token": lambda _: f"6879-{'a' * 49}",
}
FORGERIES = {**ALGORITHMS, **KEYS, **HEADERS, **CLAIMS, **WRITING}
