"""What a terminal is told once the service runs."""

from pathlib import Path

import pytest

from dhq_auth.serving.summary import PendingSetup, summary_of
from dhq_auth.settings import from_environ

ACME = {
    "OIDC_PROVIDERS": "acme",
    "OIDC_ACME_ISSUER": "https://login.acme.example",
    "OIDC_ACME_KEY": "an-id",
    "OIDC_ACME_SECRET": "a-secret",
    "OIDC_ACME_TITLE": "Acme Inc.",
}
FILE = Path("data/dhq-auth.db.setup-code")


def told(setup: PendingSetup | None = None, **environ: str) -> str:
    return summary_of(from_environ(environ), setup)


def line(text: str, what: str) -> str:
    (found,) = [each.strip() for each in text.splitlines() if what in each]
    return found


def test_without_a_provider_every_switch_and_the_demo_are_named():
    text = told()
    for name in ("GOOGLE_KEY", "GITHUB_KEY", "OIDC_PROVIDERS", "ALLOWED_SERVICES", "make demo"):
        assert name in text
    assert "http://localhost:8000/login" in text
    (on,) = [each for each in text.splitlines() if each.strip().startswith("on ")]
    assert "login with a password" in on


def test_what_is_on_is_said_to_be_on_and_the_demo_is_not_needed():
    text = told(ALLOWED_SERVICES="notes:static;json", INSTALLED_EXTENSIONS="log_events", **ACME)
    assert line(text, "Acme Inc.").startswith("on ")
    assert line(text, "permission tokens").startswith("on ")
    assert "notes, json" in line(text, "permission tokens")
    assert "log_events" in line(text, "extensions")
    assert "OIDC_PROVIDERS" not in text
    assert "make demo" not in text
    assert line(text, "login with Google").startswith("off ")


def test_google_on_leaves_other_issuers_off():
    text = told(GOOGLE_KEY="an-id", GOOGLE_SECRET="a-secret")
    assert line(text, "login with Google").startswith("on ")
    assert line(text, "OIDC_PROVIDERS").startswith("off ")


@pytest.mark.parametrize(
    ("environ", "state", "what"),
    [
        ({}, "on", "anybody may register"),
        ({"REGISTRATION": "closed"}, "on", "administrators add users"),
        ({"PASSWORD_LOGIN": "off"}, "off", "PASSWORD_LOGIN"),
    ],
    ids=["open", "closed", "off"],
)
def test_it_is_said_who_gets_an_account(environ: dict[str, str], state: str, what: str):
    password = line(told(**environ), "login with a password")
    assert password.startswith(state)
    assert what in password


def test_it_is_said_where_nobody_can_sign_in():
    assert "Nobody can sign in yet" in told(PASSWORD_LOGIN="off")
    assert "Nobody can sign in yet" not in told()
    assert "Nobody can sign in yet" not in told(PASSWORD_LOGIN="off", **ACME)


def test_a_newcomer_is_told_where_to_make_the_first_administrator():
    text = told(PendingSetup(FILE, "the-code"))
    assert "open http://localhost:8000/setup" in line(text, "No administrator yet")
    assert line(text, "the-code").startswith("From elsewhere than this machine")
    assert "No administrator" not in told()


def test_what_is_no_terminal_is_told_the_file_and_not_the_code():
    text = told(PendingSetup(FILE, None), EXTERNAL_ADDRESS="login.example.com")
    assert line(text, "setup code").startswith("There it asks")
    assert str(FILE) in line(text, "setup code")


def test_no_secret_is_told():
    text = told(DATABASE_URL="postgresql://o:a-secret@db.example.com/auth", SECRET_KEY="k" * 32)
    assert "a-secret" not in text
    assert "a-secret" not in told(**ACME)


def test_the_address_to_click_is_the_one_that_browsers_reach():
    assert "Open https://login.example.com/login" in told(EXTERNAL_ADDRESS="login.example.com")
