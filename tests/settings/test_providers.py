"""Login providers: on when their client is registered, and misspelt options refused."""

import pytest

from dhq_auth.settings import from_environ
from tests.settings.conftest import faults_of


def oidc(name, **options: str):
    prefix = f"OIDC_{name}_"
    registered = {f"{prefix}ISSUER": "https://login.example.com", f"{prefix}KEY": f"id of {name}"}
    return registered | {f"{prefix}{option}": value for option, value in options.items()}


def test_providers_are_off_until_their_client_is_registered():
    assert from_environ({"GOOGLE_ISSUER": "https://g.example"}).providers == ()
    assert from_environ({"GITHUB_URL": "https://g.example"}).providers == ()


def test_google_is_an_openid_connect_issuer_whose_emails_are_trusted():
    (google,) = from_environ({"GOOGLE_KEY": "id", "GOOGLE_SECRET": "s"}).providers
    assert (google.name, google.protocol, google.title) == ("google", "oidc", "Google")
    assert (google.issuer, google.scopes) == ("https://accounts.google.com", "openid email profile")
    assert google.trust_email


def test_github_is_asked_for_the_least():
    (github,) = from_environ({"GITHUB_KEY": "id", "GITHUB_SECRET": "s"}).providers
    assert (github.protocol, github.scopes) == ("github", "read:user user:email")
    assert (github.issuer, github.api_url) == ("https://github.com", "https://api.github.com")


@pytest.mark.parametrize("prefix", ["GOOGLE", "GITHUB"])
def test_a_client_id_and_its_secret_belong_together(prefix):
    key, secret = f"{prefix}_KEY", f"{prefix}_SECRET"
    belongs = "give both, or neither"
    assert faults_of(**{key: "x"}) == (f"{secret}: is missing, but {key} is set; {belongs}",)
    assert faults_of(**{secret: "x"}) == (f"{key}: is missing, but {secret} is set; {belongs}",)
    (fault,) = faults_of(**{key: "x", f"{secret}_FILE": "/does/not/exist"})
    assert fault.startswith(f"{secret}_FILE: ")
    (fault,) = faults_of(**{f"{key}_FILE": "/run/id", secret: "x"})
    assert fault.startswith(f"{key}: is missing")


def test_an_issuer_without_a_secret_is_a_public_client_with_plain_defaults():
    (acme,) = from_environ({"OIDC_PROVIDERS": "acme-eu"} | oidc("ACME_EU")).providers
    assert (acme.name, acme.title, acme.protocol) == ("acme-eu", "Acme-eu", "oidc")
    assert (acme.client_secret, acme.trust_email) == (None, False)
    assert acme.scopes == "openid email profile"


def test_a_listed_issuer_needs_its_address_and_its_client():
    assert [fault.split("; ")[0] for fault in faults_of(OIDC_PROVIDERS="acme;corp")] == [
        "OIDC_ACME_ISSUER: is missing",
        "OIDC_ACME_KEY: is missing",
        "OIDC_CORP_ISSUER: is missing",
        "OIDC_CORP_KEY: is missing",
    ]


def test_a_bad_issuer_is_not_called_missing_too():
    (fault,) = faults_of(**{"OIDC_PROVIDERS": "acme"} | oidc("ACME", ISSUER="http://x.example"))
    assert "OIDC_ACME_ISSUER: read 'http://x.example'; expected: an https address" in fault


def test_an_unknown_option_of_a_listed_name_is_refused_with_the_known_ones():
    options = {"SECRT": "never shown", "SCOPE": "openid", "KEY_FILE": "/x"}
    faults = faults_of(**{"OIDC_PROVIDERS": "acme"} | oidc("ACME", **options))
    known = ", ".join(
        f"OIDC_ACME_{option}"
        for option in ("ISSUER", "KEY", "SECRET", "SCOPES", "TITLE", "TRUST_EMAIL")
    )
    assert faults == tuple(
        f"OIDC_ACME_{option}: is not known; known are {known}" for option in sorted(options)
    )


def test_options_of_a_name_that_is_not_listed_are_warned_of():
    environ = {"OIDC_PROVIDERS": "acme"} | oidc("ACME") | oidc("OTHER")
    assert [warning.split()[0] for warning in from_environ(environ).warnings] == [
        "OIDC_OTHER_ISSUER",
        "OIDC_OTHER_KEY",
    ]


def test_a_name_may_begin_like_another():
    names = ["acme", "acme-eu", "acme_eu_west", "acme-trust"]
    environ = {"OIDC_PROVIDERS": ";".join(names)}
    for name in ("ACME", "ACME_EU", "ACME_EU_WEST", "ACME_TRUST"):
        environ |= oidc(name)
    environ["OIDC_ACME_TRUST_EMAIL"] = "on"
    settings = from_environ(environ)
    assert [provider.name for provider in settings.providers] == names
    assert [provider.trust_email for provider in settings.providers] == [True, False, False, False]
    (fault,) = faults_of(**environ, OIDC_ACME_EU_NORTH="x")
    assert fault.startswith("OIDC_ACME_EU_NORTH: is not known; known are OIDC_ACME_")


def test_two_names_with_the_same_variables_are_refused():
    (fault,) = faults_of(**{"OIDC_PROVIDERS": "acme-eu;acme_eu;ACME-EU"} | oidc("ACME_EU"))
    assert fault == (
        "OIDC_PROVIDERS: acme-eu and acme_eu would both read OIDC_ACME_EU_…; rename one of them"
    )


@pytest.mark.parametrize("scopes", ["email profile", "openid em\\ail", 'openid "x"', "Openid"])
def test_scopes_are_scopes_and_openid_is_among_them(scopes):
    (fault,) = faults_of(**{"OIDC_PROVIDERS": "acme"} | oidc("ACME", SCOPES=scopes))
    assert "expected: scopes between blanks, openid among them, such as openid email" in fault
