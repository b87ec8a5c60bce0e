"""The settings of login providers: Google, GitHub, and any OpenID Connect issuer."""

from dataclasses import dataclass
from typing import Literal

from dhq_auth.settings import parse
from dhq_auth.settings.environment import Environment, variable, variables_of
from dhq_auth.settings.parse import Secret

RESERVED = frozenset({"google", "github", "password"})
OIDC_SCOPES = "openid email profile"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleVariables:
    """What turns Google on."""

    key: str | None = variable("GOOGLE_KEY", None, parse.text, "the client id; turns Google on")
    secret: Secret | None = variable(
        "GOOGLE_SECRET", None, parse.secret, "the client secret", secret=True
    )
    issuer: str | None = variable(
        "GOOGLE_ISSUER", "https://accounts.google.com", parse.secure_url, "who answers as Google"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubVariables:
    """What turns GitHub on; GitHub Enterprise sets both addresses."""

    key: str | None = variable("GITHUB_KEY", None, parse.text, "the client id; turns GitHub on")
    secret: Secret | None = variable(
        "GITHUB_SECRET", None, parse.secret, "the client secret", secret=True
    )
    url: str | None = variable(
        "GITHUB_URL", "https://github.com", parse.secure_url, "where people log in"
    )
    api_url: str | None = variable(
        "GITHUB_API_URL", "https://api.github.com", parse.secure_url, "where its API is"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcNames:
    """Which further issuers there are."""

    names: tuple[str, ...] | None = variable(
        "OIDC_PROVIDERS",
        "",
        parse.list_of(parse.name),
        "names of OpenID Connect issuers, such as `acme;keycloak`, each set up by `OIDC_<NAME>_…`",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcVariables:
    """What stands behind `OIDC_<NAME>_` for one of them; a `-` of the name is a `_` here."""

    issuer: str | None = variable(
        "ISSUER", None, parse.secure_url, "the issuer, as its ID tokens name it; required"
    )
    key: str | None = variable("KEY", None, parse.text, "the client id; required")
    secret: Secret | None = variable(
        "SECRET", None, parse.secret, "the client secret; unset: a public client", secret=True
    )
    scopes: str | None = variable("SCOPES", OIDC_SCOPES, parse.scopes, "the scopes to ask for")
    title: str | None = variable(
        "TITLE", None, parse.text, "the name on the button; unset: the name, capitalized"
    )
    trust_email: bool | None = variable(
        "TRUST_EMAIL",
        "off",
        parse.switch,
        "whether its `email_verified` may link a login to an account (Google's, GitHub's may)",
    )


def read_providers(env: Environment) -> tuple[ProviderSettings, ...]:
    """Read which providers are on: those whose client is registered."""
    google, github = _google(env), _github(env)
    names = env.values(OidcNames)["names"] or ()
    for name in dict.fromkeys(name for name in names if name in RESERVED):
        env.fault("OIDC_PROVIDERS", f"{name} is taken by a provider of that name")
    free = [name for name in names if name not in RESERVED]
    prefixes = env.prefixes("OIDC_PROVIDERS", "OIDC_", free)
    found = [google, github, *(_oidc(env, name, prefix) for prefix, name in prefixes.items())]
    for prefix in prefixes:
        known = [f"{prefix}{each.name}" for each in variables_of(OidcVariables).values()]
        env.refuse_unknown(prefix, known)
    return tuple(provider for provider in found if provider)


def _google(env: Environment) -> ProviderSettings | None:
    google = GoogleVariables(**env.values(GoogleVariables))
    _check_pair(env, "GOOGLE")
    if not (google.key and google.secret and google.issuer):
        return None
    return ProviderSettings(
        name="google",
        protocol="oidc",
        title="Google",
        issuer=google.issuer,
        client_id=google.key,
        client_secret=google.secret,
        scopes=OIDC_SCOPES,
        trust_email=True,
    )


def _github(env: Environment) -> ProviderSettings | None:
    github = GitHubVariables(**env.values(GitHubVariables))
    _check_pair(env, "GITHUB")
    if not (github.key and github.secret and github.url and github.api_url):
        return None
    return ProviderSettings(
        name="github",
        protocol="github",
        title="GitHub",
        issuer=github.url.rstrip("/"),
        api_url=github.api_url.rstrip("/"),
        client_id=github.key,
        client_secret=github.secret,
        scopes="read:user user:email",
        trust_email=True,
    )


def _check_pair(env: Environment, prefix: str) -> None:
    key, secret = f"{prefix}_KEY", f"{prefix}_SECRET"
    if env.is_set(key) != env.is_set(secret):
        missing, there = (secret, key) if env.is_set(key) else (key, secret)
        env.fault(missing, f"is missing, but {there} is set; give both, or neither")


def _oidc(env: Environment, name: str, prefix: str) -> ProviderSettings | None:
    oidc = OidcVariables(**env.values(OidcVariables, prefix))
    for option, wanted in (
        ("ISSUER", "an https address such as https://login.example.com"),
        ("KEY", "the client id that the issuer knows us by"),
    ):
        if not env.is_set(f"{prefix}{option}"):
            env.fault(f"{prefix}{option}", f"is missing; expected: {wanted}")
    if not (oidc.issuer and oidc.key and oidc.scopes):
        return None
    return ProviderSettings(
        name=name,
        protocol="oidc",
        title=oidc.title or name.capitalize(),
        issuer=oidc.issuer,
        client_id=oidc.key,
        client_secret=oidc.secret,
        scopes=oidc.scopes,
        trust_email=bool(oidc.trust_email),
    )
