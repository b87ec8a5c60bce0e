"""Every variable: what it does to the settings, and what it refuses."""

import os
from datetime import timedelta
from ipaddress import ip_network

import pytest

from dhq_auth.settings import Limits, Settings, Upkeep, from_environ
from dhq_auth.settings.credentials import CredentialVariables
from dhq_auth.settings.environment import variables_of
from dhq_auth.settings.issuers import IssuerNames, IssuerVariables
from dhq_auth.settings.plugins import PluginVariables
from dhq_auth.settings.providers import (
    GitHubVariables,
    GoogleVariables,
    OidcNames,
    OidcVariables,
)
from tests.settings.conftest import faults_of

PARTS = (
    *(Settings, GoogleVariables, GitHubVariables, OidcNames, IssuerNames, CredentialVariables),
    *(PluginVariables, Upkeep, Limits),
)
NAMES = {variable.name for part in PARTS for variable in variables_of(part).values()}
NAMES |= {f"OIDC_ACME_{variable.name}" for variable in variables_of(OidcVariables).values()}
NAMES |= {f"ISSUER_CORP_{variable.name}" for variable in variables_of(IssuerVariables).values()}
LIMITS = [variable.name for variable in variables_of(Limits).values()]

BASE = {
    "GOOGLE_KEY": "google-id",
    "GOOGLE_SECRET": "google-secret",
    "GITHUB_KEY": "github-id",
    "GITHUB_SECRET": "github-secret",
    "OIDC_PROVIDERS": "acme",
    "OIDC_ACME_ISSUER": "https://acme.example",
    "OIDC_ACME_KEY": "acme-id",
    "TRUSTED_ISSUERS": "corp",
    "ISSUER_CORP_URL": "https://corp.example",
}


def strings(items):
    return [str(item) for item in items]


def google(settings):
    return settings.providers[0]


def github(settings):
    return settings.providers[1]


def acme(settings):
    return settings.providers[2]


def corp(settings):
    return settings.trusted_issuers[0]


# For each variable: a value, where its effect is seen, and the effect.
EFFECTS = {
    "EXTERNAL_ADDRESS": ("login.example.com", lambda s: s.issuer, "https://login.example.com"),
    "HOST": ("0.0.0.0", lambda s: s.host, "0.0.0.0"),  # noqa: S104 - what containers set
    "PORT": ("9000", lambda s: s.port, 9000),
    "WORKERS": ("4", lambda s: s.workers, 4),
    "DATABASE_URL": (
        "postgresql://u:p@db/auth",
        lambda s: s.database_url.value,
        "postgresql://u:p@db/auth",
    ),
    "RATE_LIMIT_STORAGE": (
        "rediss://:password@[::1]:6380/1",
        lambda s: s.rate_limit_storage.value,
        "rediss://:password@[::1]:6380/1",
    ),
    "SECRET_KEY": (
        f"{'new' * 12}; {'old' * 12}",
        lambda s: [key.value for key in s.secret_keys],
        ["new" * 12, "old" * 12],
    ),
    "ALLOWED_REDIRECTS": (
        "https://a.example/x ;http://localhost:*",
        lambda s: strings(s.redirects.patterns),
        ["https://a.example/x", "http://localhost:*"],
    ),
    "CODE_ONLY_REDIRECTS": (
        "http://localhost:5000",
        lambda s: s.redirects.takes_tokens("http://localhost:5000/x"),
        False,
    ),
    "ALLOWED_ORIGINS": (
        "https://a.example",
        lambda s: strings(s.allowed_origins),
        ["https://a.example"],
    ),
    "USERNAME_FROM_PROVIDER": ("On", lambda s: s.username_from_provider, True),
    "PASSWORD_MIN_LENGTH": ("8", lambda s: s.password_min_length, 8),
    "SESSION_NAME": ("my_session", lambda s: s.session_cookie, "my_session"),
    "SESSION_SLIDING": ("on", lambda s: s.session_sliding, True),
    "SESSION_IDLE": ("30m", lambda s: s.session_idle, timedelta(minutes=30)),
    "PASSWORD_LOGIN": ("off", lambda s: s.password_login, False),
    "REGISTRATION": ("closed", lambda s: s.registration_is_open, False),
    "CREDENTIALS": (
        "basic; token;basic",
        lambda s: [each.name for each in s.credentials],
        ["basic", "token"],
    ),
    "AUTH_TYPE": (
        "session_exp_auth",
        lambda s: (s.accepts("jwt"), s.session_duration),
        (False, None),
    ),
    "SESSION_DURATION": ("60", lambda s: s.session_duration, timedelta(minutes=1)),
    "LOGIN_TOKEN_LIFETIME": ("1h", lambda s: s.login_token_lifetime, timedelta(hours=1)),
    "SERVICE_TOKEN_LIFETIME": ("30s", lambda s: s.service_token_lifetime, timedelta(seconds=30)),
    "KEY_LIFETIME": ("30d", lambda s: s.upkeep.key_lifetime, timedelta(days=30)),
    "AUDIT_RETENTION": ("30d", lambda s: s.upkeep.audit_retention, timedelta(days=30)),
    "SERVICE_KEY_LIFETIME": ("1h", lambda s: s.upkeep.service_key_lifetime, timedelta(hours=1)),
    "TRUSTED_PROXIES": (
        "10.0.0.0/8;::1",
        lambda s: s.trusted_proxies,
        (ip_network("10.0.0.0/8"), ip_network("::1")),
    ),
    "METRICS_FROM": (
        "10.0.0.0/8;::1",
        lambda s: strings(s.metrics_from),
        ["10.0.0.0/8", "::1/128"],
    ),
    "LOG_LEVEL": ("DEBUG", lambda s: s.log_level, "debug"),
    "LOG_FORMAT": ("json", lambda s: s.log_format, "json"),
    "GOOGLE_KEY": ("other", lambda s: google(s).client_id, "other"),
    "GOOGLE_SECRET": ("other", lambda s: google(s).client_secret.value, "other"),
    "GOOGLE_ISSUER": ("https://g.example/", lambda s: google(s).issuer, "https://g.example/"),
    "GITHUB_KEY": ("other", lambda s: github(s).client_id, "other"),
    "GITHUB_SECRET": ("other", lambda s: github(s).client_secret.value, "other"),
    "GITHUB_URL": ("https://g.example/", lambda s: github(s).issuer, "https://g.example"),
    "GITHUB_API_URL": (
        "http://localhost:1/api/v3/",
        lambda s: github(s).api_url,
        "http://localhost:1/api/v3",
    ),
    "OIDC_PROVIDERS": ("Acme;acme", lambda s: [p.name for p in s.providers][2:], ["acme"]),
    "OIDC_ACME_ISSUER": ("https://a.example/r/", lambda s: acme(s).issuer, "https://a.example/r/"),
    "OIDC_ACME_KEY": ("other", lambda s: acme(s).client_id, "other"),
    "OIDC_ACME_SECRET": ("other", lambda s: acme(s).client_secret.value, "other"),
    "OIDC_ACME_SCOPES": ("openid;groups", lambda s: acme(s).scopes, "openid groups"),
    "OIDC_ACME_TITLE": ("Acme & Söhne", lambda s: acme(s).title, "Acme & Söhne"),
    "OIDC_ACME_TRUST_EMAIL": ("on", lambda s: acme(s).trust_email, True),
    "TRUSTED_ISSUERS": ("Corp;corp", lambda s: [i.name for i in s.trusted_issuers], ["corp"]),
    "ISSUER_CORP_URL": (
        "https://c.example/r/",
        lambda s: corp(s).identity,
        "https://c.example/r/",
    ),
    "ISSUER_CORP_ALGORITHM": ("ES256", lambda s: corp(s).algorithm, "ES256"),
    "ISSUER_CORP_CLAIM": ("sub", lambda s: corp(s).claim, "sub"),
    "ISSUER_CORP_AUDIENCE": ("https://a.example", lambda s: corp(s).audience, "https://a.example"),
    "ISSUER_CORP_SUBJECTS": ("Local", lambda s: corp(s).local, True),
    "ALLOWED_SERVICES": (
        "static;notes: my.module",
        lambda s: [(service.alias, service.provider) for service in s.services],
        [("static", "static"), ("notes", "my.module")],
    ),
    "INSTALLED_EXTENSIONS": ("a;b.c;a", lambda s: [e.name for e in s.extensions], ["a", "b.c"]),
    "HEADER_TIMEOUT": ("0.5", lambda s: s.limits.header_timeout, 0.5),
    "BODY_TIMEOUT": ("20s", lambda s: s.limits.body_timeout, 20),
    "KEEPALIVE_TIMEOUT": ("15", lambda s: s.limits.keepalive_timeout, 15),
    "MAX_CONNECTIONS": ("10", lambda s: s.limits.max_connections, 10),
    "MAX_URL": ("4k", lambda s: s.limits.max_url, 4096),
    "MAX_HEADER": ("16K", lambda s: s.limits.max_header, 16384),
    "MAX_BODY": ("1m", lambda s: s.limits.max_body, 1024**2),
    "MAX_JSON_DEPTH": ("4", lambda s: s.limits.max_json_depth, 4),
    "MAX_TOKEN": ("2048", lambda s: s.limits.max_token, 2048),
    "SHUTDOWN_TIMEOUT": ("0", lambda s: s.limits.shutdown_timeout, 0),
    "DATABASE_POOL": ("9", lambda s: s.limits.database_pool, 9),
    "DATABASE_TIMEOUT": ("1.5", lambda s: s.limits.database_timeout, 1.5),
    "REMOTE_CONNECT_TIMEOUT": ("1", lambda s: s.limits.remote_connect_timeout, 1),
    "REMOTE_READ_TIMEOUT": ("2", lambda s: s.limits.remote_read_timeout, 2),
    "REMOTE_TIMEOUT": ("3", lambda s: s.limits.remote_timeout, 3),
    "REMOTE_LOGIN_TIMEOUT": ("4", lambda s: s.limits.remote_login_timeout, 4),
    "REMOTE_MAX_BODY": ("2m", lambda s: s.limits.remote_max_body, 2 * 1024**2),
    "REMOTE_CALLS": ("5", lambda s: s.limits.remote_calls, 5),
    "DISCOVERY_LIFETIME": ("1d", lambda s: s.limits.discovery_lifetime, timedelta(days=1)),
    "JWKS_COOLDOWN": ("5m", lambda s: s.limits.jwks_cooldown, timedelta(minutes=5)),
    "PERMISSION_TIMEOUT": ("0.1", lambda s: s.limits.permission_timeout, 0.1),
    "PLUGIN_CALLS": ("4", lambda s: s.limits.plugin_calls, 4),
    "EXTENSION_TIMEOUT": ("9", lambda s: s.limits.extension_timeout, 9),
    "DELIVERY_TIMEOUT": ("0.5", lambda s: s.limits.delivery_timeout, 0.5),
    "DELIVERY_CALLS": ("2", lambda s: s.limits.delivery_calls, 2),
    "DELIVERY_RETENTION": ("1h", lambda s: s.upkeep.delivery_retention, timedelta(hours=1)),
    "CLOCK_LEEWAY": ("0", lambda s: s.limits.clock_leeway, timedelta()),
    "LOGIN_ATTEMPT_LIFETIME": ("5m", lambda s: s.limits.login_attempt_lifetime, timedelta(0, 300)),
    "LOGIN_ATTEMPTS_PENDING": ("10", lambda s: s.limits.login_attempts_pending, 10),
    "LOGIN_STARTS": ("7", lambda s: s.limits.login_starts, 7),
    "LOGIN_CODE_LIFETIME": ("10s", lambda s: s.limits.login_code_lifetime, timedelta(seconds=10)),
    "LOGIN_ATTEMPTS": ("9", lambda s: s.limits.login_attempts, 9),
    "LOGIN_WINDOW": ("1h", lambda s: s.limits.login_window, timedelta(hours=1)),
    "LOGIN_SLOWDOWN": ("0.25", lambda s: s.limits.login_slowdown, 0.25),
    "PASSWORD_HASHES_QUEUED": ("0", lambda s: s.limits.password_hashes_queued, 0),
    "PASSWORD_CHECKS": ("6", lambda s: s.limits.password_checks, 6),
    "MAX_SESSIONS": ("2", lambda s: s.limits.max_sessions, 2),
    "MAX_API_TOKENS": ("3", lambda s: s.limits.max_api_tokens, 3),
    "TOKEN_REPORTS": ("2", lambda s: s.limits.token_reports, 2),
    "POLICY_QUESTIONS": ("3", lambda s: s.limits.policy_questions, 3),
    "REVOCATION_FOLLOWERS": ("2", lambda s: s.limits.revocation_followers, 2),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_variable_has_its_effect(name):
    value, effect, expected = EFFECTS[name]
    settings = from_environ(BASE | {name: value})
    assert effect(settings) == expected
    without = {other: value for other, value in BASE.items() if other != name}
    if name not in BASE:
        assert effect_without(effect, without) != expected


def effect_without(effect, environ):
    """Return what is there when the variable is not: perhaps nothing to look at."""
    try:
        return effect(from_environ(environ))
    except (TypeError, AttributeError, IndexError):
        return None


def test_private_and_public_key_become_keys(pair):
    settings = from_environ({"PRIVATE_KEY": pair.private, "PUBLIC_KEY": pair.public})
    assert settings.private_keys[0].private_numbers() == pair.key.private_numbers()
    assert settings.public_keys == (pair.key.public_key(),)


def test_the_effect_of_every_variable_is_told_here():
    # What keys become is told in tests of their own.
    assert EFFECTS.keys() | {"PRIVATE_KEY", "PUBLIC_KEY", "ISSUER_CORP_KEY"} == NAMES


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_variable_is_an_unset_one(blank):
    assert from_environ(dict.fromkeys(NAMES, blank)) == from_environ({})


def test_blanks_around_a_value_do_not_count():
    assert from_environ({"PORT": " 9000\n"}).port == 9000


def test_without_any_variable_the_service_is_one_of_this_machine():
    settings = from_environ({})
    assert settings.issuer == "http://localhost:8000"
    assert (settings.is_https, settings.session_cookie) == (False, "session")
    assert settings.providers == settings.services == settings.extensions == ()
    assert settings.warnings == ()
    assert settings.redirects.check("http://127.0.0.1:3000/x")
    with pytest.raises(ValueError, match="ALLOWED_REDIRECTS"):
        settings.redirects.check("https://app.example.com")


def test_a_public_service_redirects_to_itself_alone_and_has_a_secure_cookie():
    settings = from_environ({"EXTERNAL_ADDRESS": "https://login.example.com"})
    assert strings(settings.redirects.patterns) == ["https://login.example.com"]
    assert strings(settings.allowed_origins) == ["https://login.example.com"]
    assert (settings.is_https, settings.session_cookie) == (True, "__Host-session")


def test_pages_of_allowed_redirects_may_call_us_unless_it_is_said_which():
    environ = {"ALLOWED_REDIRECTS": "https://a.example/x;https://a.example/y;http://localhost:*"}
    assert strings(from_environ(environ).allowed_origins) == [
        "https://a.example",
        "http://localhost:*",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://login.example.com/", "https://login.example.com"),
        ("https://LOGIN.example.com:443", "https://login.example.com"),
        ("login.example.com:8443", "https://login.example.com:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
    ],
)
def test_external_address_is_an_origin(value, expected):
    assert from_environ({"EXTERNAL_ADDRESS": value}).issuer == expected


@pytest.mark.parametrize("value", ["127.0.0.1", "::", "[::1]", "localhost", "auth-1.internal"])
def test_host_is_an_address_or_a_name(value):
    assert from_environ({"HOST": value}).host == value.strip("[]")


@pytest.mark.parametrize("value", ["0", "-1", "-604800"])
def test_a_session_of_no_duration_never_ends(value):
    assert from_environ({"SESSION_DURATION": value}).session_duration is None


@pytest.mark.parametrize(
    ("auth_type", "duration", "kinds", "ends"),
    [
        ("basic_auth", None, ["basic"], None),
        ("session_auth", None, ["session"], None),
        ("session_auth", "60", ["session"], None),
        ("session_exp_auth", None, ["session"], None),
        ("session_exp_auth", "60", ["session"], timedelta(minutes=1)),
        ("session_exp_auth", "0", ["session"], None),
        ("session_db_auth", None, ["session"], None),
        ("session_db_auth", "60", ["session"], timedelta(minutes=1)),
        (None, None, ["token", "jwt", "basic", "session"], timedelta(days=7)),
    ],
)
def test_auth_type_is_a_shorthand(auth_type, duration, kinds, ends):
    given = {"AUTH_TYPE": auth_type or "", "SESSION_DURATION": duration or ""}
    settings = from_environ(given)
    assert [each.name for each in settings.credentials] == kinds
    if "session" in kinds:
        assert settings.session_duration == ends


def test_auth_type_beside_credentials_is_refused():
    faults = faults_of(AUTH_TYPE="basic_auth", CREDENTIALS="basic")
    assert faults == ("AUTH_TYPE: is set beside CREDENTIALS; give one of them",)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/auth.db",
        "sqlite+aiosqlite:///a.db?timeout=5",
        "postgres://db/auth",
        "postgresql+asyncpg://u@[::1]:5432/auth?ssl=require",
        "postgresql:///auth?host=/run/postgresql",
    ],
)
def test_database_url_is_taken_as_it_is(url):
    assert from_environ({"DATABASE_URL": url}).database_url.value == url


def test_a_reading_says_where_a_value_comes_from(tmp_path):
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    settings = from_environ(
        {"PORT": "1", "GOOGLE_KEY": "x", "GOOGLE_SECRET_FILE": str(file)}
        | {"ALLOWED_SERVICES": "static", "PROVIDER_STATIC_PATH": "x"}
    )
    readings = {reading.name: (reading.value, reading.source) for reading in settings.readings}
    assert readings["PORT"] == ("1", "environment")
    assert readings["GOOGLE_SECRET"] == ("********", "file")
    assert readings["HOST"] == ("127.0.0.1", "default")
    assert readings["LOG_FORMAT"] == ("", "default")
    assert readings["PROVIDER_STATIC_PATH"] == ("********", "environment")
    unlisted = ("OIDC_ACME_", "ISSUER_CORP_")
    assert {name for name in NAMES if not name.startswith(unlisted)} <= readings.keys()


def origin(fault):
    return f"expected: an origin such as https://login.example.com ({fault})"


REFUSED = [
    ("EXTERNAL_ADDRESS", "x y", origin("it contains the character ' '")),
    ("EXTERNAL_ADDRESS", "https://a.example/login", origin("it has a path, a query or a fragment")),
    ("EXTERNAL_ADDRESS", "https://a.example//", origin("it has a path, a query or a fragment")),
    ("EXTERNAL_ADDRESS", "https://a.example?x", origin("it has a path, a query or a fragment")),
    ("EXTERNAL_ADDRESS", "https://a.example#", origin("it has a path, a query or a fragment")),
    ("EXTERNAL_ADDRESS", "https://me@a.example", origin("it has a user name before the host")),
    ("EXTERNAL_ADDRESS", "ftp://a.example", origin("it does not begin with https:// or http://")),
    ("EXTERNAL_ADDRESS", "https://", origin("its host or port is not valid")),
    ("EXTERNAL_ADDRESS", "https://a.example:0", origin("its host or port is not valid")),
    ("EXTERNAL_ADDRESS", "::1", origin("its host or port is not valid")),
    (
        "EXTERNAL_ADDRESS",
        "http://[::ffff:7f00:1]",
        origin("its host is not an IP address in the usual spelling"),
    ),
    (
        "EXTERNAL_ADDRESS",
        "https://münchen.example",
        origin("its host is not in ASCII: an international name begins with xn--"),
    ),
    ("HOST", "0.0.0.0:8000", "expected: 127.0.0.1, 0.0.0.0, :: or a host name, without a port"),
    ("HOST", "http://localhost", "expected: 127.0.0.1"),
    ("PORT", "65536", "expected: a whole number from 0 to 65535"),
    ("PORT", "-1", "expected: a whole number from 0 to 65535"),
    ("PORT", "\u0668\u0660", "expected: a whole number from 0 to 65535"),
    ("WORKERS", "0", "expected: a whole number from 1 to 64"),
    ("DATABASE_URL", "mysql://u:p@h/d", "expected: sqlite:///path/to/file.db or postgresql://"),
    ("DATABASE_URL", "postgresql:db", "expected: sqlite:///path/to/file.db or postgresql://"),
    ("DATABASE_URL", "postgresql://h:port/d", "expected: sqlite:///path/to/file.db or"),
    ("DATABASE_URL", "postgresql://u:p@ss@h/d", "an @ in the password written as %40"),
    ("DATABASE_URL", "sqlite:///", "expected: sqlite:///path/to/file.db"),
    ("DATABASE_URL", "sqlite://", "expected: sqlite:///path/to/file.db"),
    ("DATABASE_URL", "sqlite:///:memory:", "read 'sqlite:///:memory:'; expected: a file"),
    ("DATABASE_URL", "sqlite:///file:x?mode=memory&uri=true", "memory is gone at the end"),
    ("DATABASE_URL", "sqlite:///a\nb", "expected: at most 1024 characters, none of them a control"),
    ("RATE_LIMIT_STORAGE", "memory://", "expected: redis://:password@host:6379/0, valkey:// alike"),
    ("RATE_LIMIT_STORAGE", "redis://", "expected: redis://:password@host:6379/0"),
    ("RATE_LIMIT_STORAGE", "redis://h:0", "expected: redis://:password@host:6379/0"),
    ("RATE_LIMIT_STORAGE", "redis://h:65536", "expected: redis://:password@host:6379/0"),
    ("RATE_LIMIT_STORAGE", "redis://h/database", "expected: redis://:password@host:6379/0"),
    ("RATE_LIMIT_STORAGE", "redis://h?db=1", "expected: redis://:password@host:6379/0"),
    ("RATE_LIMIT_STORAGE", "redis://password@h", "expected: redis://:password@host:6379/0"),
    ("RATE_LIMIT_STORAGE", "redis://:p@ss@h", "is written as %40"),
    ("SECRET_KEY", "short", "expected: 32 or more random characters, e.g. from: openssl rand"),
    ("SECRET_KEY", f"{'x' * 32};y", "expected: entry 2 to be 32 or more random characters"),
    ("ALLOWED_REDIRECTS", "*", "http://localhost:* (it does not begin with https:// or http://)"),
    ("ALLOWED_REDIRECTS", ";", "expected: one entry at least, or nothing at all"),
    ("ALLOWED_REDIRECTS", "https://a.example:*", "(only a loopback host may have any port, and no"),
    ("CODE_ONLY_REDIRECTS", "https://a.example?", "(it has a query or a fragment)"),
    ("ALLOWED_ORIGINS", "https://a.example/x", "an origin such as https://app.example.com (it has"),
    ("USERNAME_FROM_PROVIDER", "maybe", "read 'maybe'; expected: on or off"),
    ("PASSWORD_MIN_LENGTH", "7", "expected: a whole number from 8 to 128"),
    ("SESSION_NAME", "a=b", "expected: a cookie's name: at most 64 letters, digits, - and _"),
    ("SESSION_DURATION", "abc", "expected: a duration from 1s to 36500d, such as 30s, 15m, 12h or"),
    ("SESSION_DURATION", "abc", "; or 0, which never ends"),
    ("SESSION_SLIDING", "slowly", "read 'slowly'; expected: on or off"),
    ("SESSION_IDLE", "60", "expected: a duration from 2m to 3650d"),
    ("PASSWORD_LOGIN", "never", "expected: on or off"),
    ("REGISTRATION", "on", "expected: one of open, closed"),
    ("CREDENTIALS", ";", "expected: one entry at least, or nothing at all"),
    ("AUTH_TYPE", "digest", "one of basic_auth, session_auth, session_exp_auth, session_db_auth"),
    ("LOGIN_TOKEN_LIFETIME", "5s", "expected: a duration from 10s to 3650d"),
    ("SERVICE_TOKEN_LIFETIME", "1w", "read '1w'; expected: a duration from 10s to 3650d, such as"),
    ("TRUSTED_PROXIES", "10.0.0.1/8", "such as 10.0.0.0/8 (with zeros behind the prefix)"),
    ("TRUSTED_PROXIES", "proxy", "expected: an address, or a network such as 10.0.0.0/8"),
    ("LOG_LEVEL", "loud", "expected: one of debug, info, warning, error"),
    ("LOG_FORMAT", "xml", "expected: one of text, json"),
    ("GOOGLE_ISSUER", "http://g.example", "https://login.example.com (http is for loopback hosts"),
    ("GITHUB_URL", "github.com", "(it does not begin with https:// or http://)"),
    ("GITHUB_API_URL", "https://g.example?x", "(it has a query or a fragment)"),
    ("OIDC_PROVIDERS", "9lives", "expected: a name of at most 32 letters, digits, - and _ that"),
    ("OIDC_PROVIDERS", "a;b!;c", "expected: entry 2 to be a name"),
    ("OIDC_PROVIDERS", "GitHub", "github is taken by a provider of that name"),
    ("ALLOWED_SERVICES", "a/b", "expected: [alias:]provider, the alias without blanks"),
    ("ALLOWED_SERVICES", "a:", "expected: [alias:]provider"),
    ("ALLOWED_SERVICES", "a:x;b;a:y", "'a' stands there twice; give one an alias"),
    ("MAX_BODY", "1g", "read '1g'; expected: a size in bytes from 1k to 10m, such as 64k"),
    ("CLOCK_LEEWAY", "2m", "expected: a duration from 0 to 1m"),
    ("SHUTDOWN_TIMEOUT", "301", "expected: a number of seconds from 0 to 300"),
]


@pytest.mark.parametrize(("name", "value", "text"), REFUSED)
def test_a_bad_value_is_refused_with_what_would_be_right(name, value, text):
    (fault,) = faults_of(**{name: value})
    assert fault.startswith(f"{name}: ")
    assert text in fault


@pytest.mark.parametrize(
    "value", ["x", "-5", "1e3", "0x10", "1.2.3", "1 000", "\u0663", "9" * 5000]
)
def test_a_limit_is_a_number_within_bounds(value):
    faults = faults_of(**dict.fromkeys(LIMITS, value))
    assert [fault.partition(":")[0] for fault in faults] == LIMITS
    assert all("; expected: a" in fault and len(fault) < 250 for fault in faults)


def test_the_defaults_are_within_their_own_bounds():
    declared = {variable.name: variable.default for variable in variables_of(Limits).values()}
    assert from_environ(declared).limits == from_environ({}).limits


@pytest.mark.slow
def test_a_huge_value_is_cut_where_it_is_told():
    for name in NAMES:
        faults = faults_of(**BASE | {name: "\x1b[31m<" * 5000})
        assert all(len(fault) < 400 for fault in faults if fault.startswith(f"{name}:"))


def test_control_characters_never_reach_a_terminal():
    for name in NAMES:
        faults = faults_of(**BASE | {name: "a\nb\x1b[31m\u202e\udcff\x7f\u2028;c"})
        assert all(fault.isprintable() for fault in faults)


def test_what_was_read_is_shown_escaped():
    (fault,) = faults_of(LOG_LEVEL="in\nfo\x1b[0m")
    assert fault == (
        r"LOG_LEVEL: read 'in\nfo\x1b[0m'; expected: one of debug, info, warning, error"
    )


def test_a_name_with_control_characters_is_shown_escaped():
    (fault,) = faults_of(**BASE | {"OIDC_ACME_\x1b[2J\n": "x"})
    assert fault.startswith(r"OIDC_ACME_\x1b[2J\n: is not known; known are OIDC_ACME_ISSUER, ")


def test_all_faults_are_told_at_once():
    faults = faults_of(
        EXTERNAL_ADDRESS="x y",
        PORT="abc",
        PRIVATE_KEY="no key",
        ALLOWED_REDIRECTS="*;https://a.example;javascript:x",
        MAX_BODY="1g",
        GOOGLE_KEY="id",
        OIDC_PROVIDERS="acme",
        OIDC_ACME_ISUER="https://acme.example",
        ALLOWED_SERVICES="a;a",
        PUBLIC_KEY_FILE="/does/not/exist",
    )
    assert [fault.partition(":")[0] for fault in faults] == [
        "EXTERNAL_ADDRESS",
        "PORT",
        "PRIVATE_KEY",
        "PUBLIC_KEY_FILE",
        "ALLOWED_REDIRECTS",
        "ALLOWED_REDIRECTS",
        "MAX_BODY",
        "GOOGLE_SECRET",
        "OIDC_ACME_ISSUER",
        "OIDC_ACME_KEY",
        "OIDC_ACME_ISUER",
        "ALLOWED_SERVICES",
    ]


def test_a_database_of_everybody_needs_a_key_for_its_keys():
    environ = {"DATABASE_URL": "postgresql://db/auth"}
    assert from_environ(environ).secret_keys is None
    public = environ | {"EXTERNAL_ADDRESS": "https://login.example.com"}
    (fault,) = faults_of(**public)
    assert fault.startswith("SECRET_KEY: is missing, but required with PostgreSQL unless")
    assert from_environ(public | {"SECRET_KEY": "x" * 32}).secret_keys
    assert from_environ(public | {"DATABASE_URL": "sqlite:///a.db"}).secret_keys is None
    (fault,) = faults_of(**public, SECRET_KEY="short")
    assert "expected: 32 or more" in fault


WARNED = [
    (
        {"EXTERNAL_ADRESS": "x"},
        "EXTERNAL_ADRESS is not read by anything; did you mean EXTERNAL_ADD",
    ),
    ({"external_address": "x"}, "external_address is not read by anything; did you mean EXTERNAL_"),
    ({"ALLOWED_REDIRECT": "x"}, "did you mean ALLOWED_REDIRECTS?"),
    ({"GOOGLE_SECRETS_FILE": "x"}, "did you mean GOOGLE_SECRET_FILE?"),
    ({"PORT_FILE": "x"}, "PORT_FILE is not read by anything; PORT is not a secret that could come"),
    ({"OIDC_PROVIDER": "acme"}, "did you mean OIDC_PROVIDERS?"),
    ({"OIDC_ACME_KEY": "x"}, "OIDC_ACME_KEY is not read by anything: OIDC_PROVIDERS lists no name"),
    ({"PROVIDER_X_Y": "x"}, "PROVIDER_X_Y is not read by anything: ALLOWED_SERVICES lists no name"),
    ({"EXTENSION_X_Y": "x"}, ": INSTALLED_EXTENSIONS lists no name for it"),
    ({"HOST": "a", "LOG_FORMATS\n": "x"}, r"LOG_FORMATS\n is not read by anything; did you mean"),
    (
        {"SESSION_NAME": "'x'"},
        "SESSION_NAME begins and ends with a quote, which is taken as a part",
    ),
    ({"EXTERNAL_ADDRESS": "http://a.example"}, "EXTERNAL_ADDRESS is http://a.example: tokens and"),
    ({"ALLOWED_REDIRECTS": "http://a.example"}, "ALLOWED_REDIRECTS has http://a.example: tokens"),
    (
        {"SESSION_NAME": "__Host-x"},
        "SESSION_NAME has a prefix that browsers accept with https only",
    ),
    ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES has every address"),
]


@pytest.mark.parametrize(("environ", "text"), WARNED)
def test_what_is_probably_a_mistake_is_warned_of(environ, text):
    (warning,) = from_environ(environ).warnings
    assert text in warning


def test_the_variables_of_other_programs_are_left_alone():
    environ = dict.fromkeys(["PATH", "HOME", "LANG", "HOSTNAME", "PYTHONPATH", "http_proxy"], "x")
    assert from_environ(environ).warnings == ()


def test_each_of_the_options_that_nobody_reads_is_warned_of():
    environ = {"OIDC_FOO_ISSUER": "x", "OIDC_FOO_KEY": "x", "PROVIDER_A_B": "x", "PROVIDER_": "x"}
    assert len(from_environ(environ).warnings) == 4


def test_the_environment_of_the_process_is_the_default():
    assert from_environ() == from_environ(os.environ)
