"""Showing and checking the settings."""

import pytest

from tests.cli.conftest import Cli

SECRET = "a-secret-that-nobody-else-should-see"


def shown(cli: Cli, **environ: str) -> dict[str, tuple[str | None, str]]:
    """Return value and source of every variable."""
    document = cli("config", "show", "--json", **environ).json
    return {each["name"]: (each["value"], each["source"]) for each in document["settings"]}


def test_every_variable_is_shown_with_its_value_and_where_that_comes_from(cli: Cli, tmp_path):
    file = tmp_path / "google"
    file.write_text(SECRET)
    found = shown(cli, PORT="9000", GOOGLE_KEY="an-id", GOOGLE_SECRET_FILE=str(file))
    assert found["PORT"] == ("9000", "environment")
    assert found["HOST"] == ("127.0.0.1", "default")
    assert found["GITHUB_KEY"] == (None, "default")
    assert found["GOOGLE_KEY"] == ("an-id", "environment")
    assert found["GOOGLE_SECRET"] == ("********", "file")
    assert found["MAX_BODY"] == ("64k", "default")


def test_no_secret_is_shown_wherever_it_stands(cli: Cli):
    environ = {
        "DATABASE_URL": f"postgresql://operator:{SECRET}@db.example.com/auth?sslpassword={SECRET}",
        "SECRET_KEY": SECRET,
        "GOOGLE_KEY": "an-id",
        "GOOGLE_SECRET": SECRET,
        "OIDC_PROVIDERS": "acme",
        "OIDC_ACME_ISSUER": "https://login.example.com",
        "OIDC_ACME_KEY": "an-id",
        "OIDC_ACME_SECRET": SECRET,
        "ALLOWED_SERVICES": "notes:http",
        "PROVIDER_NOTES_TOKEN": SECRET,
    }
    for command in ("show", "check"):
        for form in ([], ["--json"]):
            ended = cli("config", command, *form, **environ)
            assert ended.code == 0
            assert SECRET not in ended.out + ended.err
    assert shown(cli, **environ)["DATABASE_URL"][0] == (
        "postgresql://operator:********@db.example.com/auth"
    )


def test_what_follows_from_other_settings_is_shown_as_it_came_out(cli: Cli):
    found = shown(cli, EXTERNAL_ADDRESS="login.example.com")
    assert found["ALLOWED_REDIRECTS"] == ("https://login.example.com", "default")
    assert found["ALLOWED_ORIGINS"] == ("https://login.example.com", "default")
    assert found["SESSION_NAME"] == ("__Host-session", "default")


def test_a_long_value_is_neither_wrapped_nor_cut_where_no_terminal_is(cli: Cli):
    origins = ";".join(f"https://application-{n}.example.com" for n in range(50))
    assert origins in cli("config", "show", ALLOWED_REDIRECTS=origins).out


def test_a_check_names_every_fault_and_what_may_be_the_reason(cli: Cli):
    ended = cli("config", "check", "--json", PORT="http", GOOGLE_KEY="id", GOOGLE_SECERT="x")
    assert ended.code == 2
    assert ended.json["ok"] is False
    assert [fault.partition(":")[0] for fault in ended.json["faults"]] == ["PORT", "GOOGLE_SECRET"]
    (warning,) = ended.json["warnings"]
    assert "did you mean GOOGLE_SECRET?" in warning
    assert ended.err.splitlines() == ended.json["faults"]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_check_of_good_settings_warns_and_changes_nothing(cli: Cli, tmp_path, form: list[str]):
    ended = cli("config", "check", *form, EXTERNAL_ADDRESS="http://login.example.com")
    assert ended.code == 0
    assert "cross the network in clear" in (ended.out if form else ended.err)
    assert list(tmp_path.iterdir()) == []
