"""Secrets: from the environment or from a file, and never shown."""

import re
import traceback

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dhq_auth.settings import Limits, Secret, Settings, SettingsError, Upkeep, from_environ
from dhq_auth.settings.environment import MAX_SECRET_FILE, variables_of
from dhq_auth.settings.issuers import IssuerVariables
from dhq_auth.settings.providers import GitHubVariables, GoogleVariables, OidcVariables
from tests.settings.conftest import faults_of

PREFIXES = {OidcVariables: "OIDC_ACME_", IssuerVariables: "ISSUER_CORP_"}
SECRETS = [
    f"{PREFIXES.get(part, '')}{variable.name}"
    for part in (Settings, Limits, Upkeep, GoogleVariables, GitHubVariables, *PREFIXES)
    for variable in variables_of(part).values()
    if variable.secret
]
ACME = {
    "OIDC_PROVIDERS": "acme",
    "OIDC_ACME_ISSUER": "https://acme.example",
    "OIDC_ACME_KEY": "acme-id",
    "GOOGLE_KEY": "google-id",
    "GITHUB_KEY": "github-id",
    "TRUSTED_ISSUERS": "corp",
}
GOOGLE = {"GOOGLE_KEY": "google-id"}
MARK = "Tr0ub4dor"
ANYTHING = st.text(st.characters(codec="utf-8"), max_size=30)
AROUND = st.one_of(ANYTHING, st.text(st.sampled_from("@:/?#;%\\'\"= \n.-[]1a"), max_size=6))


def test_the_secrets_are_these():
    assert SECRETS == [
        "DATABASE_URL",
        "RATE_LIMIT_STORAGE",
        "PRIVATE_KEY",
        "PUBLIC_KEY",
        "SECRET_KEY",
        "GOOGLE_SECRET",
        "GITHUB_SECRET",
        "OIDC_ACME_SECRET",
        "ISSUER_CORP_KEY",
    ]


@pytest.fixture(scope="module")
def values(pair):
    """A good value of each secret."""
    return {
        "DATABASE_URL": "postgresql://user:password@db/auth",
        "RATE_LIMIT_STORAGE": "redis://:password@limits:6379",
        "PRIVATE_KEY": pair.private,
        "PUBLIC_KEY": pair.public,
        "SECRET_KEY": "a secret of enough characters to be taken",
        "GOOGLE_SECRET": "google-secret",
        "GITHUB_SECRET": "github-secret",
        "OIDC_ACME_SECRET": "acme-secret",
        "ISSUER_CORP_KEY": "a secret of thirty-two characters",
    }


def test_every_secret_may_come_from_a_file(values, tmp_path):
    for name, value in values.items():
        (tmp_path / name).write_text(f"{value}\n")
    files = {f"{name}_FILE": str(tmp_path / name) for name in SECRETS}
    from_files, direct = from_environ(ACME | files), from_environ(ACME | values)
    assert from_files.database_url == direct.database_url
    assert from_files.public_keys == direct.public_keys
    assert from_files.secret_keys == direct.secret_keys
    assert from_files.providers == direct.providers
    assert from_files.trusted_issuers == direct.trusted_issuers
    sources = {reading.name: reading.source for reading in from_files.readings}
    assert {sources[name] for name in SECRETS} == {"file"}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_and_its_file_are_one_too_many(name, values, tmp_path):
    file = tmp_path / "secret"
    file.write_text(values[name])
    environ = ACME | values | {f"{name}_FILE": str(file)}
    assert faults_of(**environ) == (f"{name}: is set, and {name}_FILE too; keep one of them",)


@pytest.mark.parametrize("name", SECRETS)
def test_a_bad_value_from_a_file_names_the_file_variable(name, tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"a\n{MARK}\nb")
    environ = {k: v for k, v in ACME.items() if not k.startswith(("GOOGLE", "GITHUB", "TRUSTED"))}
    own = {"GOOGLE_SECRET": {"GOOGLE_KEY": "x"}, "GITHUB_SECRET": {"GITHUB_KEY": "x"}}
    own |= {"PUBLIC_KEY": {"PRIVATE_KEY": "x"}, "ISSUER_CORP_KEY": {"TRUSTED_ISSUERS": "corp"}}
    faults = faults_of(**environ | own.get(name, {}) | {f"{name}_FILE": str(file)})
    assert f"{name}_FILE: read a secret, not shown; expected: " in faults[-1]


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path):
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_text("x" * (MAX_SECRET_FILE + 1))
    for name, reason in {
        "missing": "cannot be read: No such file or directory; expected: a path",
        "": "cannot be read: Is a directory; expected: a path",
        "empty": "is empty",
        "binary": "cannot be read: it is not text in UTF-8",
        "large": "is longer than 65536 characters",
    }.items():
        path = f"{tmp_path}/{name}"
        (fault,) = faults_of(**GOOGLE, GOOGLE_SECRET_FILE=path)
        assert fault == f"GOOGLE_SECRET_FILE: {path!r} {reason}"


def test_a_file_of_the_largest_size_is_read(tmp_path):
    (tmp_path / "key").write_text(f"{'x' * 32};" * (MAX_SECRET_FILE // 33))
    assert len(from_environ({"SECRET_KEY_FILE": str(tmp_path / "key")}).secret_keys) == 1985


def test_a_secret_where_its_path_belongs_is_not_shown(pair):
    for secret in (MARK, pair.private, f"\x00{MARK}", MARK * 2000):
        (fault,) = faults_of(**GOOGLE, GOOGLE_SECRET_FILE=secret)
        assert fault.startswith("GOOGLE_SECRET_FILE: what it names (not shown) cannot be read: ")
        assert secret[1:8] not in fault


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DATABASE_URL", f"postgresql://user:{MARK}@db/auth"),
        ("DATABASE_URL", f"postgresql://user:12/{MARK}@db/auth"),
        ("DATABASE_URL", f"postgresql://user:1?{MARK}@db/auth"),
        ("DATABASE_URL", f"postgresql://user:1#{MARK}@db/auth"),
        ("DATABASE_URL", f"postgresql://user:a@{MARK}@db/auth"),
        ("DATABASE_URL", f"postgresql://db/auth?password={MARK}"),
        ("DATABASE_URL", f"sqlite:///a.db?key={MARK}"),
        ("DATABASE_URL", f"mysql://user:{MARK}@db/auth"),
        ("RATE_LIMIT_STORAGE", f"redis://:{MARK}@limits"),
        ("RATE_LIMIT_STORAGE", f"redis://{MARK}@limits"),
        ("RATE_LIMIT_STORAGE", f"redis://:a@{MARK}@limits"),
        ("RATE_LIMIT_STORAGE", f"redis://:1/{MARK}@limits"),
        ("RATE_LIMIT_STORAGE", f"redis://limits?password={MARK}"),
        ("GOOGLE_SECRET", f"https://{MARK}"),
        ("GOOGLE_SECRET_FILE", f"https://{MARK}"),
        ("PRIVATE_KEY", f"-----BEGIN PRIVATE KEY-----\n{MARK}\n-----END PRIVATE KEY-----"),
        ("PRIVATE_KEY_FILE", f"-----BEGIN PRIVATE KEY-----\n{MARK}"),
    ],
)
def test_a_secret_of_this_form_is_never_shown(name, secret):
    check_silence(ACME | {name: secret})


@given(before=AROUND, after=AROUND, name=st.sampled_from(SECRETS), as_file=st.booleans())
def test_no_secret_is_ever_shown(values, before, after, name, as_file):
    secret = f"{before}{MARK}{after}"
    # Paths are shown, and so are the host and the name of a database: they are not the secret.
    assume(not (as_file and secret.strip().startswith(("/", "./", "../"))))
    others = {"DATABASE_URL", "SECRET_KEY", "GOOGLE_SECRET"} - {name}
    environ = ACME | {other: values[other] for other in others}
    check_silence(environ | {f"{name}_FILE" if as_file else name: secret})


@given(password=st.builds(lambda a, b: f"{a}{MARK}{b}", AROUND, AROUND), rest=AROUND)
@pytest.mark.slow
def test_no_password_in_an_address_is_ever_shown(password, rest):
    for url in (f"postgresql://user:{password}@db/auth{rest}", f"postgresql://user:{password}@"):
        check_silence({"DATABASE_URL": url})
    # In other addresses what ends the host is no part of a password: https://host:1/path@x.
    userinfo = "user:" + re.sub("[/?#]", "", password)
    for name in ("EXTERNAL_ADDRESS", "ALLOWED_REDIRECTS", "GITHUB_URL", "ALLOWED_ORIGINS"):
        check_silence({name: f"https://{userinfo}@app.example.com{rest}"})


@given(before=ANYTHING, after=ANYTHING)
def test_no_option_of_a_plugin_is_ever_shown(before, after):
    option = {"PROVIDER_HTTP_TOKEN": f"{before}{MARK}{after}", "EXTENSION_HOOK_KEY": MARK}
    listed = {"ALLOWED_SERVICES": "http", "INSTALLED_EXTENSIONS": "hook"}
    check_silence(option)
    check_silence(option | listed)
    check_silence(option | listed | {"PORT": "x"})


def check_silence(environ):
    """Check that neither the settings nor the refusal of them tell the secret."""
    try:
        settings = from_environ(environ)
    except SettingsError as error:
        told = [str(error), repr(error), *traceback.format_exception(error)]
    else:
        told = [repr(settings), str(settings), repr(settings.readings), repr(settings.warnings)]
        told.append(repr(settings.services) + repr(settings.extensions))
    assert MARK not in "\n".join(told)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user:password@db:5432/auth", "postgresql://user:********@db:5432/auth"),
        ("postgresql://user:p/w?#@db/auth?sslpassword=x", "postgresql://user:********@db/auth"),
        ("postgres://db/auth", "postgres://db/auth"),
        ("sqlite:///data/auth@home.db?key=x", "sqlite:///data/auth@home.db"),
    ],
)
def test_of_a_database_everything_but_the_password_is_worth_seeing(url, shown):
    readings = from_environ({"DATABASE_URL": url}).readings
    assert [each.value for each in readings if each.name == "DATABASE_URL"] == [shown]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:password@limits:6379/0", "redis://:********@limits:6379/0"),
        ("rediss://me:p%40ss@[::1]", "rediss://me:********@[::1]"),
        ("valkey://limits", "valkey://limits"),
    ],
)
def test_of_a_redis_everything_but_the_password_is_worth_seeing(url, shown):
    settings = from_environ({"RATE_LIMIT_STORAGE": url})
    assert settings.rate_limit_storage.value == url
    readings = {each.name: each.value for each in settings.readings}
    assert readings["RATE_LIMIT_STORAGE"] == shown


def test_a_secret_in_a_log_is_only_the_word():
    assert f"{Secret('x')} {Secret('x')!r} {[Secret('x')]}" == "Secret(…) Secret(…) [Secret(…)]"
