"""The settings of login providers: Google, GitHub, and any OpenID Connect issuer."""

from dataclasses import dataclass
from typing import Literal

from dhq_auth.settings import parse
from dhq_auth.settings.environment import Environment, Variable
from dhq_auth.settings.parse import Secret

RESERVED = frozenset({"google", "github", "password"})
OIDC_SCOPES = "openid email profile"
_OPTIONS = ("ISSUER", "KEY", "SECRET", "SCOPES", "TITLE", "TRUST_EMAIL")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One way to log in elsewhere. `issuer` is the first half of the key of an identity."""

    name: str
    protocol: Literal["oidc", "github"]
    title: str
    issuer: str
    client_id: str
    client_secret: Secret | None
    scopes: str
    trust_email: bool
    api_url: str = ""


def read_providers(env: Environment) -> tuple[ProviderSettings, ...]:
    """Read which providers are on: those whose client is registered."""
    found = [_google(env), _github(env)]
    names = env.value(
        Variable("OIDC_PROVIDERS", None, parse.list_of(parse.name), "further issuers by name")
    )
    for name in dict.fromkeys(names or ()):
        if name in RESERVED:
            env.fault("OIDC_PROVIDERS", f"{name} is taken by a provider of that name")
        else:
            found.append(_oidc(env, name))
    return tuple(provider for provider in found if provider)


def _client(env: Environment, prefix: str) -> tuple[str | None, Secret | None]:
    key = env.value(Variable(f"{prefix}_KEY", None, parse.text, "the client id"))
    secret = env.value(
        Variable(f"{prefix}_SECRET", None, parse.secret, "the client secret", secret=True)
    )
    if (key is None) != (secret is None):
        missing = f"{prefix}_SECRET" if secret is None else f"{prefix}_KEY"
        env.fault(missing, f"is missing; {prefix}_KEY and {prefix}_SECRET belong together")
    return key, secret


def _google(env: Environment) -> ProviderSettings | None:
    issuer = env.value(
        Variable(
            "GOOGLE_ISSUER", "https://accounts.google.com", parse.secure_url, "Google's issuer"
        )
    )
    key, secret = _client(env, "GOOGLE")
    if not (key and secret and issuer):
        return None
    return ProviderSettings(
        name="google",
        protocol="oidc",
        title="Google",
        issuer=issuer,
        client_id=key,
        client_secret=secret,
        scopes=OIDC_SCOPES,
        trust_email=True,
    )


def _github(env: Environment) -> ProviderSettings | None:
    url = env.value(
        Variable("GITHUB_URL", "https://github.com", parse.secure_url, "GitHub, or an Enterprise")
    )
    api_url = env.value(
        Variable("GITHUB_API_URL", "https://api.github.com", parse.secure_url, "its API")
    )
    key, secret = _client(env, "GITHUB")
    if not (key and secret and url and api_url):
        return None
    return ProviderSettings(
        name="github",
        protocol="github",
        title="GitHub",
        issuer=url.rstrip("/"),
        api_url=api_url.rstrip("/"),
        client_id=key,
        client_secret=secret,
        scopes="read:user user:email",
        trust_email=True,
    )


def _oidc(env: Environment, name: str) -> ProviderSettings | None:
    prefix = f"OIDC_{name.upper().replace('-', '_')}"
    issuer = env.value(Variable(f"{prefix}_ISSUER", None, parse.secure_url, "the issuer"))
    key = env.value(Variable(f"{prefix}_KEY", None, parse.text, "the client id"))
    secret = env.value(
        Variable(f"{prefix}_SECRET", None, parse.secret, "unset: a public client", secret=True)
    )
    scopes = env.value(Variable(f"{prefix}_SCOPES", OIDC_SCOPES, _scopes, "what to ask for"))
    title = env.value(Variable(f"{prefix}_TITLE", name.capitalize(), parse.text, "its title"))
    trust = env.value(
        Variable(f"{prefix}_TRUST_EMAIL", "off", parse.switch, "its email_verified may link")
    )
    env.refuse_unknown(f"{prefix}_", [f"{prefix}_{option}" for option in _OPTIONS])
    for value, option, want in (
        (issuer, "ISSUER", "https://login.example.com"),
        (key, "KEY", "the client id registered with the issuer"),
    ):
        if value is None and not any(f.startswith(f"{prefix}_{option}:") for f in env.faults):
            env.fault(f"{prefix}_{option}", f"is missing; expected {want}")
    if not (issuer and key and scopes and title):
        return None
    return ProviderSettings(
        name=name,
        protocol="oidc",
        title=title,
        issuer=issuer,
        client_id=key,
        client_secret=secret,
        scopes=scopes,
        trust_email=bool(trust),
    )


def _scopes(raw: str) -> str:
    scopes = raw.replace(";", " ").split()
    if "openid" not in scopes:
        raise ValueError("a list of scopes with openid among them")
    return " ".join(scopes)
