"""What the doctor finds on this machine: settings, database, keys, plugins."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Ended
from tests.cli.databases import FOREIGN, LEGACY, NEWER, sqlite_database
from tests.fakes.postgres import PostgresServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECRET = "do-not-show-this-to-anybody-at-all"


def look(cli: Cli, **environ: str) -> Ended:
    return cli("doctor", "--json", **environ)


def test_a_machine_in_order_has_no_fault(on_database: Cli):
    ended = look(on_database)
    assert ended.code == 0
    assert ended.json["ok"] is True
    assert not [each for each in ended.json["findings"] if each["level"] == "fault"]
    assert len(ended.found("DATABASE_URL", "ok")) == 2
    assert len(ended.found("keys", "ok")) == 2


@pytest.mark.slow
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
    assert "is not there yet" in ended.found("DATABASE_URL", "warning")[0]
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
    (text,) = ended.found("settings", "warning")
    assert "did you mean LOG_LEVEL?" in text


# The database


def test_a_database_that_is_away_is_a_fault_and_the_rest_is_looked_at(cli: Cli):
    url = f"postgresql://o:{SECRET}@127.0.0.1:1/auth"
    ended = look(cli, DATABASE_URL=url, LOG_LEVELL="debug")
    assert ended.code == 1
    assert len(ended.found("DATABASE_URL", "fault")) == 1
    assert ended.found("settings", "warning")
    assert ended.found("ALLOWED_REDIRECTS", "ok")
    assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize(
    ("sql", "level", "code"), [(LEGACY, "warning", 0), (FOREIGN, "fault", 1), (NEWER, "fault", 1)]
)
def test_what_is_in_the_database_decides(tmp_path: Path, sql: str, level: str, code: int):
    file = sqlite_database(tmp_path, sql)
    before = file.read_bytes()
    ended = look(Cli(DATABASE_URL=f"sqlite:///{file}"))
    assert ended.code == code
    assert len(ended.found("DATABASE_URL", level)) == 1
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
    (text,) = ended.found("DATABASE_URL", "fault")
    assert "permission denied" in text


@SQLITE
def test_files_that_others_can_read_are_warned_of(on_database: Cli, tmp_path: Path):
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    assert not look(on_database).found("DATABASE_URL", "warning")
    (secret,) = tmp_path.glob("*.secret-key")
    secret.chmod(0o640)
    (text,) = look(on_database).found("DATABASE_URL", "warning")
    assert f"chmod 600 {secret}" in text


# The keys


@SQLITE
def test_keys_that_do_not_open_are_a_fault(on_database: Cli, tmp_path: Path):
    (secret,) = tmp_path.glob("*.secret-key")
    secret.unlink()
    ended = look(on_database)
    assert ended.code == 1
    assert ended.found("keys", "fault")
    assert not secret.exists()


@pytest.mark.slow
@SQLITE
def test_a_given_key_is_tried_and_its_public_half_said_to_fit(on_database: Cli):
    pair = on_database("keys", "generate", "--json").json
    keys = {"PRIVATE_KEY": pair["private_key"], "PUBLIC_KEY": pair["public_key"]}
    ended = look(on_database, **keys)
    texts = ended.found("keys", "ok")
    assert any("PUBLIC_KEY belongs" in text for text in texts)
    assert any(pair["kid"] in text and "signs and verifies" in text for text in texts)
    assert "PRIVATE KEY-----" not in ended.out


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
    first, second = ended.found("ALLOWED_SERVICES", "fault")
    assert first.startswith("notes:no_such_module: ")
    assert "no licence" in second
    assert ended.found("INSTALLED_EXTENSIONS") == ["doctors_good: loads → None"]


def test_what_a_plugin_prints_is_not_in_the_document(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = "print('chatty')\ndef get_permissions(service, userid): return {}"
    module(tmp_path, monkeypatch, "doctors_chatty", text)
    ended = look(cli, ALLOWED_SERVICES="doctors_chatty")
    assert json.loads(ended.out)["ok"] is True
    assert "chatty" in ended.err


@pytest.mark.slow
def test_a_plugin_that_hangs_is_said_to_and_keeps_nobody(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = "import threading; threading.Event().wait()"
    module(tmp_path, monkeypatch, "doctors_hanging", text)
    ended = cli("doctor", "--json", "--timeout", "1", INSTALLED_EXTENSIONS="doctors_hanging")
    assert ended.code == 1
    (text,) = ended.found("plugins", "fault")
    assert "in 1 s" in text
    assert ended.found("DATABASE_URL", "warning")
