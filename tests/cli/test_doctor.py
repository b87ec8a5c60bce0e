"""What the doctor finds on this machine: settings, database, keys, addresses, plugins."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Ended
from tests.cli.test_db import FOREIGN, LEGACY, NEWER
from tests.fakes.faults import html, json_answer, redirect
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.postgres import PostgresServer
from tests.fakes.server import Fault
from tests.fixtures.service import Start

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECRET = "do-not-show-this-to-anybody-at-all"


def found(ended: Ended, subject: str, level: str | None = None) -> list[str]:
    """Return what was found of *subject*, with what to do about it."""
    return [
        f"{each['text']} → {each['todo']}"
        for each in ended.json["findings"]
        if each["subject"] == subject and level in {None, each["level"]}
    ]


def look(cli: Cli, **environ: str) -> Ended:
    return cli("doctor", "--json", **environ)


def test_a_machine_in_order_has_no_fault(on_database: Cli):
    ended = look(on_database)
    assert ended.code == 0
    assert ended.json["ok"] is True
    assert not [each for each in ended.json["findings"] if each["level"] == "fault"]
    assert len(found(ended, "DATABASE_URL", "ok")) == 2
    assert len(found(ended, "keys", "ok")) == 2


def test_the_text_says_the_same_as_the_document(on_database: Cli):
    text, document = on_database("doctor").out, look(on_database).json
    for finding in document["findings"]:
        assert finding["subject"] in text
        assert finding["text"] in text
        assert (finding["todo"] or "") in text
    assert text.endswith(" warnings\n")


def test_nothing_is_made_by_looking(cli: Cli, tmp_path: Path):
    ended = look(cli)
    assert ended.code == 0
    assert "is not there yet" in found(ended, "DATABASE_URL", "warning")[0]
    assert list(tmp_path.iterdir()) == []


def test_settings_at_fault_are_all_that_is_looked_at(cli: Cli):
    ended = look(cli, PORT="http", GOOGLE_KEY="id", GOOGLE_SECERT=SECRET)
    assert ended.code == 2
    assert ended.json["ok"] is False
    assert [(each["subject"], each["level"]) for each in ended.json["findings"]] == [
        ("settings", "fault"),
        ("settings", "fault"),
        ("settings", "warning"),
    ]
    assert SECRET not in ended.out + ended.err
    assert cli("doctor", PORT="http").code == 2


def test_a_misspelt_setting_is_a_warning_and_no_fault(cli: Cli):
    ended = look(cli, LOG_LEVELL="debug")
    assert ended.code == 0
    (text,) = found(ended, "settings", "warning")
    assert "did you mean LOG_LEVEL?" in text


# The database


def test_a_database_that_is_away_is_a_fault_and_the_rest_is_looked_at(cli: Cli):
    url = f"postgresql://o:{SECRET}@127.0.0.1:1/auth"
    ended = look(cli, DATABASE_URL=url, LOG_LEVELL="debug")
    assert ended.code == 1
    assert len(found(ended, "DATABASE_URL", "fault")) == 1
    assert found(ended, "settings", "warning")
    assert found(ended, "ALLOWED_REDIRECTS", "ok")
    assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize(
    ("sql", "level", "code"), [(LEGACY, "warning", 0), (FOREIGN, "fault", 1), (NEWER, "fault", 1)]
)
def test_what_is_in_the_database_decides(tmp_path: Path, sql: str, level: str, code: int):
    file = tmp_path / "made.db"
    with sqlite3.connect(file) as db:
        db.executescript(sql)
    db.close()
    file.chmod(0o600)
    before = file.read_bytes()
    ended = look(Cli(DATABASE_URL=f"sqlite:///{file}"))
    assert ended.code == code
    assert len(found(ended, "DATABASE_URL", level)) == 1
    assert file.read_bytes() == before


def test_what_is_written_on_trial_is_taken_back(on_database: Cli):
    assert look(on_database).code == 0
    assert on_database("audit", "list", "--json").json["items"] == []
    assert on_database("db", "check").code == 0


def test_a_role_that_may_only_read_is_a_fault(postgres: PostgresServer, postgres_url: str):
    whole = Cli(DATABASE_URL=postgres_url)
    assert whole("db", "upgrade").code == 0
    name = postgres_url.rpartition("/")[2]
    role = f"reader_{name}"
    postgres.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'reads';"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        name,
    )
    ended = look(whole, DATABASE_URL=f"postgresql://{role}:reads@127.0.0.1:{postgres.port}/{name}")
    postgres.execute(f"DROP OWNED BY {role}; DROP ROLE {role}", name)
    assert ended.code == 1
    (text,) = found(ended, "DATABASE_URL", "fault")
    assert "permission denied" in text


@SQLITE
def test_files_that_others_can_read_are_warned_of(on_database: Cli, tmp_path: Path):
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    assert not found(look(on_database), "DATABASE_URL", "warning")
    (secret,) = tmp_path.glob("*.secret-key")
    secret.chmod(0o640)
    (text,) = found(look(on_database), "DATABASE_URL", "warning")
    assert f"chmod 600 {secret}" in text


# The keys


@SQLITE
def test_keys_that_do_not_open_are_a_fault(on_database: Cli, tmp_path: Path):
    (secret,) = tmp_path.glob("*.secret-key")
    secret.unlink()
    ended = look(on_database)
    assert ended.code == 1
    assert found(ended, "keys", "fault")
    assert not secret.exists()


@SQLITE
def test_a_given_key_is_tried_and_its_public_half_said_to_fit(on_database: Cli):
    pair = on_database("keys", "generate", "--json").json
    keys = {"PRIVATE_KEY": pair["private_key"], "PUBLIC_KEY": pair["public_key"]}
    ended = look(on_database, **keys)
    texts = found(ended, "keys", "ok")
    assert any("PUBLIC_KEY belongs" in text for text in texts)
    assert any(pair["kid"] in text and "signs and verifies" in text for text in texts)
    assert "PRIVATE KEY-----" not in ended.out


# Addresses


@SQLITE
async def test_a_service_that_runs_is_found_and_one_that_does_not_is_only_a_warning(
    start: Start, on_database: Cli
):
    service = await start()
    port = service.url.rpartition(":")[2]
    environ = {"EXTERNAL_ADDRESS": service.url, "PORT": port}
    ended = await on_database.aside("doctor", "--json", **environ)
    assert found(ended, "EXTERNAL_ADDRESS", "ok")[-1].startswith(f"{service.url} answers")
    assert not found(ended, "EXTERNAL_ADDRESS", "warning")
    await service.stop()
    ended = await on_database.aside("doctor", "--json", **environ)
    assert ended.code == 0
    (text,) = found(ended, "EXTERNAL_ADDRESS", "warning")
    assert "does not run here" in text


@SQLITE
async def test_a_service_that_runs_behind_a_proxy_that_does_not_is_told_apart(
    start: Start, on_database: Cli
):
    service = await start()
    port = service.url.rpartition(":")[2]
    environ = {"EXTERNAL_ADDRESS": "https://localhost:1", "PORT": port, "TRUSTED_PROXIES": "::1"}
    ended = await on_database.aside("doctor", "--json", **environ)
    (text,) = found(ended, "EXTERNAL_ADDRESS", "warning")
    assert "it runs here" in text


@SQLITE
async def test_a_service_that_takes_itself_for_another_address_is_a_fault(
    start: Start, on_database: Cli
):
    service = await start()
    port = service.url.rpartition(":")[2]
    ended = await on_database.aside(
        "doctor", "--json", EXTERNAL_ADDRESS=f"http://127.0.0.1:{port}", PORT=port
    )
    assert ended.code == 1
    (text,) = found(ended, "EXTERNAL_ADDRESS", "fault")
    assert service.url in text


async def test_somebody_else_at_our_address_is_a_fault(cli: Cli, issuer: OidcIssuer):
    issuer.faults["unknown"] = json_answer({"hello": "world"})
    ended = await cli.aside("doctor", "--json", EXTERNAL_ADDRESS=issuer.origin)
    assert ended.code == 1
    (text,) = found(ended, "EXTERNAL_ADDRESS", "fault")
    assert "not as dhq-auth does" in text


@SQLITE
@pytest.mark.parametrize("fault", [redirect("https://www.example.com/"), html])
async def test_a_proxy_that_leads_away_from_us_is_a_fault_if_we_run(
    start: Start, on_database: Cli, issuer: OidcIssuer, fault: Fault
):
    issuer.faults["unknown"] = fault
    environ = {"EXTERNAL_ADDRESS": issuer.origin, "TRUSTED_PROXIES": "::1"}
    port = (await start()).url.rpartition(":")[2]
    ended = await on_database.aside("doctor", "--json", PORT=port, **environ)
    assert ended.code == 1
    assert len(found(ended, "EXTERNAL_ADDRESS", "fault")) == 1
    ended = await on_database.aside("doctor", "--json", PORT="1", **environ)
    assert ended.code == 0
    assert len(found(ended, "EXTERNAL_ADDRESS", "warning")) == 1


@pytest.mark.parametrize(
    ("environ", "subject", "hint"),
    [
        ({"EXTERNAL_ADDRESS": "http://login.invalid"}, "EXTERNAL_ADDRESS", "use https"),
        ({"EXTERNAL_ADDRESS": "https://login.invalid"}, "TRUSTED_PROXIES", "all callers look"),
        ({"PORT": "9000"}, "EXTERNAL_ADDRESS", "EXTERNAL_ADDRESS=http://localhost:9000"),
    ],
)
def test_an_address_that_cannot_be_meant_is_warned_of(
    cli: Cli, environ: dict[str, str], subject: str, hint: str
):
    assert any(hint in text for text in found(look(cli, **environ), subject, "warning"))


# Where logins lead


def test_where_a_login_may_lead_is_said_in_words(cli: Cli):
    ended = look(
        cli,
        EXTERNAL_ADDRESS="https://login.invalid",
        ALLOWED_REDIRECTS="https://app.example.com;https://b.example.com/area;http://localhost:*",
        CODE_ONLY_REDIRECTS="https://app.example.com",
    )
    texts = found(ended, "ALLOWED_REDIRECTS", "ok")
    assert texts == [
        "a login may lead to every page of https://app.example.com → None",
        "a login may lead to https://b.example.com/area and what is below it → None",
        "a login may lead to any port of http://localhost, on the same machine → None",
        "every page of https://app.example.com: gets a one-time code, never a token → None",
    ]


def test_without_redirects_a_service_on_the_network_serves_no_application(cli: Cli):
    ended = look(cli, EXTERNAL_ADDRESS="https://login.invalid")
    (text,) = found(ended, "ALLOWED_REDIRECTS", "warning")
    assert "ALLOWED_REDIRECTS=https://app.example.com" in text
    (text,) = [each for each in found(ended, "ALLOWED_REDIRECTS", "ok") if "0.1.6" in each]
    assert "http://localhost:3000" in text


# Plugins


def module(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)


def test_each_plugin_that_does_not_load_is_a_fault_with_its_reason(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    module(tmp_path, monkeypatch, "doctors_bad", "raise RuntimeError('no licence')")
    module(tmp_path, monkeypatch, "doctors_good", "def on_new_user(user_info): print('hello')")
    ended = look(
        cli,
        ALLOWED_SERVICES="notes:no_such_module;files:doctors_bad",
        INSTALLED_EXTENSIONS="doctors_good",
    )
    assert ended.code == 1
    first, second = found(ended, "ALLOWED_SERVICES", "fault")
    assert first.startswith("notes:no_such_module: ")
    assert "no licence" in second
    assert found(ended, "INSTALLED_EXTENSIONS") == ["doctors_good: loads → None"]


def test_what_a_plugin_prints_is_not_in_the_document(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = "print('chatty')\ndef get_permissions(service, userid): return {}"
    module(tmp_path, monkeypatch, "doctors_chatty", text)
    ended = look(cli, ALLOWED_SERVICES="doctors_chatty")
    assert json.loads(ended.out)["ok"] is True
    assert "chatty" in ended.err


def test_a_plugin_that_hangs_is_said_to_and_keeps_nobody(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = "import threading; threading.Event().wait()"
    module(tmp_path, monkeypatch, "doctors_hanging", text)
    ended = cli("doctor", "--json", "--timeout", "1", INSTALLED_EXTENSIONS="doctors_hanging")
    assert ended.code == 1
    (text,) = found(ended, "plugins", "fault")
    assert "in 1 s" in text
    assert found(ended, "DATABASE_URL", "warning")
