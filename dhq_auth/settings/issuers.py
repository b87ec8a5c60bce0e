"""The settings of trusted issuers: other systems whose JWTs are credentials here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dhq_auth.redirects import Origin
from dhq_auth.settings import parse
from dhq_auth.settings.environment import Environment, variable, variables_of
from dhq_auth.settings.issuer_keys import VerificationKey, verification_key

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
_NOBODY: Final = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})


def _algorithm(raw: str) -> str:
    if raw not in ALGORITHMS:
        raise ValueError(f"one of {', '.join(ALGORITHMS)}")
    return raw


def _claim(raw: str) -> str:
    """Read the name of a claim: not of one that says something else than who it is."""
    if raw in _NOBODY:
        raise ValueError("the name of a claim that says who somebody is, such as user_id or sub")
    return parse.text(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuer:
    """Another system whose JWTs are believed: by the keys that it publishes, or by one key.

    `identity` is the issuer of its users in the identities table: never what a token says.
    """

    name: str
    url: str | None
    key: VerificationKey | None
    algorithm: str
    claim: str
    audience: str | None
    local: bool
    own_address: str

    @property
    def identity(self) -> str:
        """Return the address of an issuer that has one, else its name."""
        return self.url or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerNames:
    """Which trusted issuers there are."""

    names: tuple[str, ...] | None = variable(
        "TRUSTED_ISSUERS",
        "",
        parse.list_of(parse.name),
        "names of other systems whose JWTs are accepted, such as `corp`, each set up by "
        "`ISSUER_<NAME>_…`",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerVariables:
    """What stands behind `ISSUER_<NAME>_` for one of them; a `-` of the name is a `_` here."""

    url: str | None = variable(
        "URL",
        None,
        parse.secure_url,
        "the issuer, as the `iss` of its tokens names it; its keys are found by discovery",
    )
    key: VerificationKey | None = variable(
        "KEY",
        None,
        verification_key,
        "instead of the URL: its public key in PEM (RSA: RS256, EC on P-256: ES256, Ed25519: "
        "EdDSA), or an HS256 secret of 32 or more bytes",
        secret=True,
    )
    algorithm: str | None = variable(
        "ALGORITHM",
        "RS256",
        _algorithm,
        "the one algorithm that is accepted, beside the URL: RS256, PS256, ES256 or EdDSA",
    )
    claim: str | None = variable(
        "CLAIM", "user_id", _claim, "the claim that says who it is: text, or a positive integer"
    )
    audience: str | None = variable(
        "AUDIENCE",
        None,
        parse.text,
        "what the `aud` of its tokens must contain; unset: tokens with an `aud` are refused",
    )
    subjects: str | None = variable(
        "SUBJECTS",
        "linked",
        parse.one_of("linked", "local"),
        "whom the claim names: `linked`, the user who logged in there by that subject; `local`, "
        "the user with that id, administrators excepted",
    )


def read_issuers(env: Environment, own: Origin | None) -> tuple[TrustedIssuer, ...]:
    """Read whose JWTs are believed; *own* is EXTERNAL_ADDRESS, unless that is at fault."""
    names = env.values(IssuerNames)["names"] or ()
    prefixes = env.prefixes("TRUSTED_ISSUERS", "ISSUER_", names)
    known = [each.name for each in variables_of(IssuerVariables).values()]
    found = [_issuer(env, name, prefix, own) for prefix, name in prefixes.items()]
    for prefix in prefixes:
        env.refuse_unknown(prefix, [f"{prefix}{each}" for each in known])
    issuers = [issuer for issuer in found if issuer]
    _check_twice(env, issuers)
    return tuple(issuers)


def _issuer(env: Environment, name: str, prefix: str, own: Origin | None) -> TrustedIssuer | None:
    read = IssuerVariables(**env.values(IssuerVariables, prefix))
    url, key = f"{prefix}URL", f"{prefix}KEY"
    if env.is_set(url) and env.is_set(key):
        env.fault(key, f"is set beside {url}; give one of them")
    elif not env.is_set(url) and not env.is_set(key):
        env.fault(url, f"is missing, and {key} too; give one of them")
    if env.is_set(key) and env.is_set(f"{prefix}ALGORITHM"):
        env.fault(f"{prefix}ALGORITHM", f"is for {url}; {key} has one algorithm by itself")
    if own and read.url and _is_ours(read.url, own):
        env.fault(url, f"is {read.url}, our own EXTERNAL_ADDRESS; expected: another issuer")
    if not (read.algorithm and read.claim and (read.url or read.key)):
        return None
    return TrustedIssuer(
        name=name,
        url=read.url,
        key=read.key,
        algorithm=read.key.algorithm if read.key else read.algorithm,
        claim=read.claim,
        audience=read.audience,
        local=read.subjects == "local",
        own_address=str(own),
    )


def _is_ours(url: str, own: Origin) -> bool:
    return Origin.of(url) == own and url.partition("://")[2].rstrip("/").count("/") == 0


def _check_twice(env: Environment, issuers: Sequence[TrustedIssuer]) -> None:
    """Refuse two that could not be told apart: one address, or one key."""
    for place, issuer in enumerate(issuers):
        for other in issuers[:place]:
            if issuer.url and other.url and issuer.url.rstrip("/") == other.url.rstrip("/"):
                env.fault("TRUSTED_ISSUERS", f"{other.name} and {issuer.name} have the same URL")
            if issuer.key and other.key and issuer.key.value == other.key.value:
                env.fault("TRUSTED_ISSUERS", f"{other.name} and {issuer.name} have the same KEY")
