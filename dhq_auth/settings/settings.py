"""The settings of one process: read once from the environment, then never changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dhq_auth.redirects import Origin, RedirectPattern, Redirects
from dhq_auth.settings import parse
from dhq_auth.settings.environment import (
    Environment,
    Reading,
    SettingsError,
    Variable,
    variable,
)
from dhq_auth.settings.limits import Limits
from dhq_auth.settings.parse import Network, Secret
from dhq_auth.settings.providers import ProviderSettings, read_providers

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A permission provider under the name by which services ask for it."""

    alias: str
    provider: str
    options: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """An extension that is to be loaded."""

    name: str
    options: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided."""

    external_address: Origin = variable(
        "EXTERNAL_ADDRESS",
        "http://localhost:8000",
        parse.external_address,
        "where browsers reach the service; the `iss` of every token",
    )
    host: str = variable("HOST", "127.0.0.1", parse.text, "the address to listen on")
    port: int = variable("PORT", "8000", parse.integer(0, 65535), "the port to listen on")
    workers: int = variable(
        "WORKERS", "1", parse.integer(1, 64), "processes; more than one share the port"
    )
    database_url: Secret = variable(
        "DATABASE_URL",
        "sqlite:///data/dhq-auth.db",
        parse.database_url,
        "the database, as an SQLAlchemy URL",
        secret=True,
    )
    private_keys: "tuple[RSAPrivateKey, ...] | None" = variable(
        "PRIVATE_KEY",
        None,
        parse.private_keys,
        "RSA key in PEM that signs service tokens; unset: made once, kept in the database",
        secret=True,
    )
    public_key: "RSAPublicKey | None" = variable(
        "PUBLIC_KEY",
        None,
        parse.public_key,
        "its public half; may be left out",
        secret=True,
    )
    secret_keys: tuple[Secret, ...] | None = variable(
        "SECRET_KEY",
        None,
        parse.list_of(parse.secret_key),
        "wraps private keys in the database; of a list the first wraps, all unwrap",
        secret=True,
    )
    allowed_redirects: tuple[RedirectPattern, ...] | None = variable(
        "ALLOWED_REDIRECTS",
        None,
        parse.list_of(parse.redirect),
        "where `next` may lead; unset: our own origin, and loopback if we are on loopback",
    )
    code_only_redirects: tuple[RedirectPattern, ...] = variable(
        "CODE_ONLY_REDIRECTS",
        "",
        parse.list_of(parse.redirect),
        "those of them that get a one-time code, never a token in the address",
    )
    allowed_origins: tuple[RedirectPattern, ...] | None = variable(
        "ALLOWED_ORIGINS",
        None,
        parse.list_of(parse.origin_pattern),
        "whose pages may call us with CORS; unset: the origins of ALLOWED_REDIRECTS",
    )
    username_from_provider: bool = variable(
        "USERNAME_FROM_PROVIDER", "off", parse.switch, "the first login takes a username, too"
    )
    session_name: str | None = variable(
        "SESSION_NAME", None, parse.cookie_name, "the session cookie; unset: by EXTERNAL_ADDRESS"
    )
    session_duration: timedelta | None = variable(
        "SESSION_DURATION",
        "604800",
        parse.session_duration,
        "life of a session in seconds; 0 or less never ends",
    )
    login_token_lifetime: timedelta = variable(
        "LOGIN_TOKEN_LIFETIME", "14d", parse.duration(10, 3650 * 86400), "life of login tokens"
    )
    service_token_lifetime: timedelta = variable(
        "SERVICE_TOKEN_LIFETIME", "15m", parse.duration(10, 3650 * 86400), "and service tokens"
    )
    trusted_proxies: tuple[Network, ...] = variable(
        "TRUSTED_PROXIES",
        "",
        parse.list_of(parse.network),
        "networks whose X-Forwarded-For is believed, walked from the right",
    )
    log_level: str = variable(
        "LOG_LEVEL", "info", parse.one_of("debug", "info", "warning", "error"), "least to log"
    )
    log_format: str | None = variable(
        "LOG_FORMAT", None, parse.one_of("text", "json"), "unset: text on a terminal, else json"
    )
    limits: Limits
    providers: tuple[ProviderSettings, ...]
    services: tuple[Service, ...]
    extensions: tuple[Extension, ...]
    warnings: tuple[str, ...] = field(repr=False, compare=False)
    readings: tuple[Reading, ...] = field(repr=False, compare=False)

    @property
    def issuer(self) -> str:
        """The `iss` of every token."""
        return str(self.external_address)

    @property
    def is_https(self) -> bool:
        """Whether browsers reach us over TLS, so that cookies can be Secure."""
        return self.external_address.scheme == "https"

    @property
    def session_cookie(self) -> str:
        """The name of the session cookie."""
        return self.session_name or ("__Host-session" if self.is_https else "session")

    @property
    def redirects(self) -> Redirects:
        """Where `next` may lead."""
        return Redirects(self.allowed_redirects or (), self.code_only_redirects)


def from_environ(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, or raise SettingsError with every fault at once."""
    env = Environment(os.environ if environ is None else environ)
    values: dict[str, Any] = env.values(Settings)
    limits: dict[str, Any] = env.values(Limits)
    providers = read_providers(env)
    services, extensions = _plugins(env)
    _check_keys(env, values)
    if env.faults:
        raise SettingsError(env.faults)
    settings = Settings(
        **values,
        limits=Limits(**limits),
        providers=providers,
        services=services,
        extensions=extensions,
        warnings=(*_warnings(values), *env.near_misses()),
        readings=tuple(env.readings),
    )
    return _with_derived(settings)


def _with_derived(settings: Settings) -> Settings:
    own = settings.external_address
    redirects = settings.allowed_redirects
    if redirects is None:
        hosts = ("localhost", "127.0.0.1", "[::1]") if own.is_loopback else ()
        local = tuple(RedirectPattern.parse(f"http://{host}:*") for host in hosts)
        redirects = (RedirectPattern(own), *local)
    origins = settings.allowed_origins
    if origins is None:
        origins = tuple(dict.fromkeys(replace(pattern, path="/") for pattern in redirects))
    return replace(settings, allowed_redirects=redirects, allowed_origins=origins)


def _plugins(env: Environment) -> tuple[tuple[Service, ...], tuple[Extension, ...]]:
    services = env.value(
        Variable("ALLOWED_SERVICES", "", parse.list_of(parse.service), "permission providers")
    )
    extensions = env.value(
        Variable("INSTALLED_EXTENSIONS", "", parse.list_of(parse.text), "extensions to load")
    )
    aliases = [alias for alias, _ in services or ()]
    for alias in sorted({alias for alias in aliases if aliases.count(alias) > 1}):
        env.fault("ALLOWED_SERVICES", f"{alias!r} stands there twice; give one an alias")
    return (
        tuple(
            Service(
                alias=alias, provider=provider, options=_options(env, "PROVIDER", alias, aliases)
            )
            for alias, provider in services or ()
        ),
        tuple(
            Extension(name=name, options=_options(env, "EXTENSION", name, extensions or ()))
            for name in dict.fromkeys(extensions or ())
        ),
    )


def _options(
    env: Environment, kind: str, name: str, names: "tuple[str, ...] | list[str]"
) -> dict[str, str]:
    """Return the options of *name*: of two names that fit a variable, the longer has it."""
    prefix, *longer = (
        f"{kind}_{''.join(c if c.isalnum() else '_' for c in each).upper()}_"
        for each in (name, *names)
    )
    return env.options(
        prefix, not_under=[p for p in longer if p != prefix and p.startswith(prefix)]
    )


def _check_keys(env: Environment, values: Mapping[str, Any]) -> None:
    private, public = values["private_keys"], values["public_key"]
    if public and private and private[0].public_key() != public:
        env.fault("PUBLIC_KEY", "does not belong to PRIVATE_KEY; leave it out, or give its pair")
    elif public and not private and not any(f.startswith("PRIVATE_KEY") for f in env.faults):
        env.fault("PUBLIC_KEY", "is set without PRIVATE_KEY; give both, or neither")
    own, url = values["external_address"], values["database_url"]
    sqlite = url and url.value.startswith("sqlite")
    if own and url and not values["secret_keys"] and not (sqlite or own.is_loopback):
        env.fault(
            "SECRET_KEY",
            "is required with PostgreSQL where EXTERNAL_ADDRESS is not loopback; "
            "expected: 32 or more random characters, e.g. from: openssl rand -base64 33",
        )


def _warnings(values: Mapping[str, Any]) -> tuple[str, ...]:
    own: Origin = values["external_address"]
    if own.scheme == "http" and not own.is_loopback:
        return (
            f"EXTERNAL_ADDRESS is {own}: tokens and cookies cross the network in clear; use https",
        )
    return ()
