"""What an OpenID Connect issuer says of itself, held against what we need (Discovery 3)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from dhq_auth.cli.doctor.finding import Finding, fault, ok, warning
from dhq_auth.login.connectors.oidc import ALGORITHMS
from dhq_auth.login.connectors.protocol import text
from dhq_auth.redirects import Origin
from dhq_auth.remote import Remote
from dhq_auth.settings import ProviderSettings

NEEDED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
ASK: Final = "ask who runs the issuer"
_METHODS: Final = {"client_secret_basic", "client_secret_post"}


def variable(provider: ProviderSettings, name: str) -> str:
    """Return the variable *name* of *provider*: `OIDC_ACME_ISSUER`."""
    if provider.name in {"google", "github"}:
        return f"{provider.name.upper()}_{name}"
    return f"OIDC_{provider.name.upper().replace('-', '_')}_{name}"


async def described(
    subject: str, name: str, issuer: str, setting: str, remote: Remote
) -> Mapping[str, Any] | Finding:
    """Return the metadata of *issuer*, or why there is none of it; the variable *setting* names it."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    answer = await remote.call(name, "GET", url)
    if answer.status != 200 or not isinstance(answer.content, dict):
        return fault(
            subject,
            f"{url} answers {answer.status}, and has no metadata",
            f"check {setting}: it is the address that its tokens name",
        )
    if (named := answer.content.get("issuer")) != issuer:
        return fault(
            subject,
            f"it names the issuer {text(named) or 'nothing readable'}, not {issuer}",
            f"if that is whom you mean, set {setting} to exactly that, a last slash included",
        )
    return answer.content


def look_at(subject: str, provider: ProviderSettings, metadata: Mapping[str, Any]) -> list[Finding]:
    """Return what is to be said of *metadata*; faults among it mean that no login can succeed."""
    found = [
        *_endpoints(subject, provider, metadata),
        *_flow(subject, metadata),
        *_pkce(subject, metadata),
        *_algorithms(subject, metadata),
        *_client(subject, provider, metadata),
    ]
    return found or [ok(subject, f"{provider.issuer}: its metadata has all that we need")]


def _endpoints(
    subject: str, provider: ProviderSettings, metadata: Mapping[str, Any]
) -> Iterator[Finding]:
    scheme = Origin.of(provider.issuer).scheme
    for name in NEEDED:
        url = metadata.get(name)
        try:
            fits = isinstance(url, str) and Origin.of(url).scheme == scheme
        except ValueError:
            fits = False
        if not fits:
            yield fault(subject, f"its metadata has no usable {name}", ASK)


def _flow(subject: str, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    types = _listed(metadata, "response_types_supported", ["code"])
    grants = _listed(metadata, "grant_types_supported", ["authorization_code"])
    if "code" not in types or "authorization_code" not in grants:
        yield fault(subject, "it does not offer the authorization code flow", ASK)


def _pkce(subject: str, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    methods = _listed(metadata, "code_challenge_methods_supported", [])
    if methods and "S256" not in methods:
        yield fault(subject, "it offers PKCE, but not with S256 (RFC 7636)", ASK)
    elif not methods:
        yield warning(
            subject,
            "it does not say that it supports PKCE with S256 (RFC 7636)",
            "many do without saying so; if it does not, a stolen code is worth more",
        )


def _algorithms(subject: str, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    announced = _listed(metadata, "id_token_signing_alg_values_supported", ["RS256"])
    if not set(ALGORITHMS) & set(announced):
        yield fault(
            subject,
            "it signs ID tokens in no way that we verify",
            f"have it sign by one of {', '.join(ALGORITHMS)}",
        )


def _client(
    subject: str, provider: ProviderSettings, metadata: Mapping[str, Any]
) -> Iterator[Finding]:
    methods = set(_listed(metadata, "token_endpoint_auth_methods_supported", [*_METHODS]))
    secret = variable(provider, "SECRET")
    if provider.client_secret is None and "none" not in methods:
        yield warning(subject, "it may want a client secret", f"set {secret}")
    elif provider.client_secret is not None and not _METHODS & methods:
        yield fault(
            subject,
            "it takes client secrets neither by Basic nor in the form",
            "register a client that authenticates by client_secret_basic or client_secret_post",
        )


def _listed(metadata: Mapping[str, Any], name: str, default: list[str]) -> list[str]:
    """Return the texts that *metadata* lists under *name*, or *default* if it has no such list."""
    value = metadata.get(name)
    if not isinstance(value, list):
        return default
    return [each for each in value if isinstance(each, str)]
