"""What a terminal is told once the service runs."""

from dhq_auth.serving.summary import summary_of
from dhq_auth.settings import from_environ

ACME = {
    "OIDC_PROVIDERS": "acme",
    "OIDC_ACME_ISSUER": "https://login.acme.example",
    "OIDC_ACME_KEY": "an-id",
    "OIDC_ACME_SECRET": "a-secret",
    "OIDC_ACME_TITLE": "Acme Inc.",
}


def told(**environ: str) -> str:
    return summary_of(from_environ(environ))


def line(text: str, what: str) -> str:
    (found,) = [each.strip() for each in text.splitlines() if what in each]
    return found


def test_without_a_provider_every_switch_and_the_demo_are_named():
    text = told()
    for name in ("GOOGLE_KEY", "GITHUB_KEY", "OIDC_PROVIDERS", "ALLOWED_SERVICES", "make demo"):
        assert name in text
    assert "http://localhost:8000/login" in text
    assert not [each for each in text.splitlines() if each.strip().startswith("on ")]


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


def test_no_secret_is_told():
    text = told(DATABASE_URL="postgresql://o:a-secret@db.example.com/auth", **ACME)
    assert "a-secret" not in text


def test_the_address_to_click_is_the_one_that_browsers_reach():
    assert "Open https://login.example.com/login" in told(EXTERNAL_ADDRESS="login.example.com")
