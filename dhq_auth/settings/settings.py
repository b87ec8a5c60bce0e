"""The settings of one process: read once from the environment, then never changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dhq_auth.redirects import Origin, RedirectPattern, Redirects
from dhq_auth.settings import parse, pem
from dhq_auth.settings.credentials import read_credentials
from dhq_auth.settings.environment import Environment, Reading, SettingsError, variable
from dhq_auth.settings.issuers import TrustedIssuer, read_issuers
from dhq_auth.settings.limits import Limits
from dhq_auth.settings.parse import Network, Secret
from dhq_auth.settings.plugins import Extension, Service, read_plugins
from dhq_auth.settings.providers import ProviderSettings, read_providers
from dhq_auth.settings.redis_url import redis_url, shown_redis_url
from dhq_auth.settings.upkeep import Upkeep

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided."""

    external_address: Origin = variable(
        "EXTERNAL_ADDRESS",
        "http://localhost:8000",
        parse.external_address,
        "where browsers reach the service, the `iss` of every token; a bare host name means https",
    )
    host: str = variable("HOST", "127.0.0.1", parse.host, "the address to listen on")
    port: int = variable("PORT", "8000", parse.integer(0, 65535), "the port to listen on")
    workers: int = variable(
        "WORKERS", "1", parse.integer(1, 64), "processes that serve; more than one share the port"
    )
    database_url: Secret = variable(
        "DATABASE_URL",
        "sqlite:///data/dhq-auth.db",
        parse.database_url,
        "the database: `sqlite:///path/to/file.db` or `postgresql://user:password@host/name`",
        secret=True,
        show=parse.shown_database_url,
    )
    rate_limit_storage: Secret | None = variable(
        "RATE_LIMIT_STORAGE",
        None,
        redis_url,
        "a Redis or Valkey that counts failed logins for all replicas, "
        "`redis://:password@host:6379/0` or, with TLS, `rediss://…`; unset: the database does",
        secret=True,
        show=shown_redis_url,
    )
    private_keys: "tuple[RSAPrivateKey, ...] | None" = variable(
        "PRIVATE_KEY",
        None,
        pem.private_keys,
        "RSA key in PEM that signs service tokens, newlines perhaps as `\\n`; of several blocks "
        "the first signs, the others are announced and verify; unset: made once and kept in the "
        "database",
        secret=True,
    )
    public_keys: "tuple[RSAPublicKey, ...] | None" = variable(
        "PUBLIC_KEY",
        None,
        pem.public_keys,
        "its public half, checked against it; may be left out",
        secret=True,
    )
    secret_keys: tuple[Secret, ...] | None = variable(
        "SECRET_KEY",
        None,
        parse.list_of(parse.secret_key),
        "wraps the private keys in the database; of a list the first wraps, all unwrap; required "
        "with PostgreSQL unless EXTERNAL_ADDRESS is loopback; unset with SQLite: made once in a "
        "file beside the database",
        secret=True,
    )
    allowed_redirects: tuple[RedirectPattern, ...] | None = variable(
        "ALLOWED_REDIRECTS",
        None,
        parse.list_of(parse.redirect),
        "where `next` may lead: `https://app.example.com` (every path of the origin), "
        "`https://app.example.com/area` (paths below it), `http://localhost:*` (loopback, any "
        "port); unset: EXTERNAL_ADDRESS, and loopback with any port if that is loopback",
    )
    code_only_redirects: tuple[RedirectPattern, ...] = variable(
        "CODE_ONLY_REDIRECTS",
        "",
        parse.list_of(parse.redirect),
        "which of them get a one-time code only, never a token in the address",
    )
    allowed_origins: tuple[RedirectPattern, ...] | None = variable(
        "ALLOWED_ORIGINS",
        None,
        parse.list_of(parse.origin_pattern),
        "whose pages may call the service (CORS, never with cookies); unset: the origins of "
        "ALLOWED_REDIRECTS",
    )
    username_from_provider: bool = variable(
        "USERNAME_FROM_PROVIDER",
        "off",
        parse.switch,
        "whether the first login takes the provider's login name, or else the part of the email "
        "before `@`, as the username",
    )
    session_name: str | None = variable(
        "SESSION_NAME",
        None,
        parse.cookie_name,
        "the session cookie; unset: `__Host-session` with https, else `session`",
    )
    session_duration: timedelta | None = variable(
        "SESSION_DURATION",
        "604800",
        parse.session_duration,
        "life of a session; 0 or less never ends",
    )
    session_sliding: bool = variable(
        "SESSION_SLIDING",
        "off",
        parse.switch,
        "whether use begins the life of a session anew (once a minute at most)",
    )
    session_idle: timedelta | None = variable(
        "SESSION_IDLE",
        None,
        parse.duration(120, 3650 * 86400),
        "the time after which a session that is not used ends, 2 minutes at least; unset: never",
    )
    password_login: bool = variable(
        "PASSWORD_LOGIN", "on", parse.switch, "whether there are accounts with a password"
    )
    password_min_length: int = variable(
        "PASSWORD_MIN_LENGTH",
        "15",
        parse.integer(8, 128),
        "characters that a password must have, 8 at least; fewer than 15 are for accounts whose "
        "password is not all that protects them",
    )
    registration: str = variable(
        "REGISTRATION",
        "open",
        parse.one_of("open", "closed"),
        "`open`: everybody may register an account with a password; `closed`: administrators add "
        "users",
    )
    login_token_lifetime: timedelta = variable(
        "LOGIN_TOKEN_LIFETIME", "14d", parse.duration(10, 3650 * 86400), "life of a login token"
    )
    service_token_lifetime: timedelta = variable(
        "SERVICE_TOKEN_LIFETIME", "15m", parse.duration(10, 3650 * 86400), "life of a service token"
    )
    trusted_proxies: tuple[Network, ...] = variable(
        "TRUSTED_PROXIES",
        "",
        parse.list_of(parse.network),
        "addresses or networks whose `X-Forwarded-*` is believed, walked from the right",
    )
    metrics_from: tuple[Network, ...] | None = variable(
        "METRICS_FROM",
        None,
        parse.list_of(parse.network),
        "addresses or networks that may read `/metrics`; unset: everybody who reaches the service",
    )
    log_level: str = variable(
        "LOG_LEVEL",
        "info",
        parse.one_of("debug", "info", "warning", "error"),
        "the least grave to log",
    )
    log_format: str | None = variable(
        "LOG_FORMAT", None, parse.one_of("text", "json"), "unset: text on a terminal, else json"
    )
    limits: Limits
    upkeep: Upkeep
    providers: tuple[ProviderSettings, ...]
    trusted_issuers: tuple[TrustedIssuer, ...]
    services: tuple[Service, ...]
    extensions: tuple[Extension, ...]
    credentials: tuple[Extension, ...]
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
    def registration_is_open(self) -> bool:
        """Whether everybody may register an account with a password."""
        return self.password_login and self.registration == "open"

    def accepts(self, kind: str) -> bool:
        """Whether credentials of *kind* are accepted."""
        return any(each.name == kind for each in self.credentials)

    @property
    def redirects(self) -> Redirects:
        """Where `next` may lead."""
        return Redirects(self.allowed_redirects or (), self.code_only_redirects)


def from_environ(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, or raise SettingsError with every fault at once."""
    env = Environment(os.environ if environ is None else environ)
    values: dict[str, Any] = env.values(Settings)
    limits: dict[str, Any] = env.values(Limits)
    upkeep: dict[str, Any] = env.values(Upkeep)
    providers = read_providers(env)
    trusted_issuers = read_issuers(env, values["external_address"])
    accepted = read_credentials(env, duration_is_set=env.is_set("SESSION_DURATION"))
    plugins = read_plugins(env, accepted.kinds)
    if accepted.endless_sessions:
        values["session_duration"] = None
    _check_keys(env, values)
    if env.faults:
        raise SettingsError(env.faults, env.warnings())
    settings = Settings(
        **values,
        limits=Limits(**limits),
        upkeep=Upkeep(**upkeep),
        providers=providers,
        trusted_issuers=trusted_issuers,
        services=plugins.services,
        extensions=plugins.extensions,
        credentials=plugins.credentials,
        warnings=(*_warnings(values), *env.warnings()),
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
        origins = tuple(dict.fromkeys(replace(pattern, prefix=()) for pattern in redirects))
    return replace(settings, allowed_redirects=redirects, allowed_origins=origins)


def _check_keys(env: Environment, values: Mapping[str, Any]) -> None:
    private, public = values["private_keys"], values["public_keys"]
    if public and not env.is_set("PRIVATE_KEY"):
        env.fault("PUBLIC_KEY", "is set without PRIVATE_KEY; give both, or neither")
    elif public and private and public != tuple(k.public_key() for k in private)[: len(public)]:
        env.fault("PUBLIC_KEY", "does not belong to PRIVATE_KEY; leave it out, or give its pair")
    own, url = values["external_address"], values["database_url"]
    if own is None or url is None or own.is_loopback or url.value.startswith("sqlite"):
        return
    if not env.is_set("SECRET_KEY"):
        env.fault(
            "SECRET_KEY",
            "is missing, but required with PostgreSQL unless EXTERNAL_ADDRESS is loopback; "
            "expected: 32 or more random characters, e.g. from: openssl rand -base64 33",
        )


def _warnings(values: Mapping[str, Any]) -> list[str]:
    found = []
    own: Origin = values["external_address"]
    if own.scheme == "http" and not own.is_loopback:
        found.append(
            f"EXTERNAL_ADDRESS is {own}: tokens and cookies cross the network in clear; use https"
        )
    found += [
        f"ALLOWED_REDIRECTS has {pattern}: tokens get there in clear; use https"
        for pattern in values["allowed_redirects"] or ()
        if pattern.origin.scheme == "http" and not pattern.origin.is_loopback
    ]
    if own.scheme == "http" and (values["session_name"] or "").startswith(("__Host-", "__Secure-")):
        found.append("SESSION_NAME has a prefix that browsers accept with https only")
    if any(network.prefixlen == 0 for network in values["trusted_proxies"]):
        found.append("TRUSTED_PROXIES has every address: callers can claim to be anybody")
    return found
