"""Making keys, and listing those in use."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import jwt as pyjwt
import pytest

from dhq_auth.settings import from_environ
from tests.cli.conftest import Cli

PROGRAM = "import dhq_auth.cli; dhq_auth.cli.main()"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def lines(text: str) -> dict[str, str]:
    """Read *text* as a shell reads an environment file."""
    script = 'set -a; . /dev/stdin; printf "%s\\0" "$PRIVATE_KEY" "$PUBLIC_KEY"'
    shell = ["sh", "-c", script]
    said = subprocess.run(shell, input=text, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    private, public, _ = said.stdout.split("\0")
    return {"PRIVATE_KEY": private, "PUBLIC_KEY": public}


def test_a_generated_pair_is_what_the_settings_read_after_a_shell_has(cli: Cli):
    ended = cli("keys", "generate")
    assert ended.code == 0
    assert [line.partition("=")[0] for line in ended.out.splitlines()] == [
        *("PRIVATE_KEY", "PUBLIC_KEY")
    ]
    settings = from_environ(lines(ended.out))
    assert settings.private_keys
    assert settings.private_keys[0].key_size == 2048


@pytest.mark.slow
def test_a_generated_pair_looks_as_that_of_the_script(cli: Cli):
    script = Path(__file__).parents[2] / "tools" / "generate_key_pair.sh"
    theirs = subprocess.run([script], capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    ours = cli("keys", "generate").out
    for mine, other in zip(ours.splitlines(), theirs.splitlines(), strict=True):
        assert mine[:40] == other[:40]
        assert mine[-30:] == other[-30:]


@pytest.mark.slow
def test_the_length_of_a_pair_can_be_chosen_and_json_has_plain_pem(cli: Cli):
    pair = cli("keys", "generate", "--bits", "3072", "--json").json
    token = pyjwt.encode({"sub": "1"}, pair["private_key"], algorithm="RS256")
    assert pyjwt.decode(token, pair["public_key"], algorithms=["RS256"]) == {"sub": "1"}
    settings = from_environ({"PRIVATE_KEY": pair["private_key"]})
    assert settings.private_keys
    assert settings.private_keys[0].key_size == pair["bits"] == 3072


def test_two_pairs_differ(cli: Cli):
    assert cli("keys", "generate").out != cli("keys", "generate").out


def test_the_keys_of_the_database_are_listed(on_database: Cli):
    items = on_database("keys", "list", "--json").json["items"]
    assert {item["purpose"] for item in items} == {"login", "service"}
    for item in items:
        assert item["state"] == "signing"
        assert item["source"] == "database"
        assert item["bits"] == 2048
        assert item["created_at"].endswith("Z")
        assert item["since"].endswith("Z")
        assert item["until"] is None


@pytest.mark.slow
@SQLITE
def test_a_given_key_signs_and_the_stored_one_goes_on_verifying(on_database: Cli):
    (stored,) = service_keys(on_database)
    pair = on_database("keys", "generate", "--json").json
    first, second = service_keys(on_database, PRIVATE_KEY=pair["private_key"])
    assert (first["kid"], first["source"], first["state"]) == (
        pair["kid"],
        "PRIVATE_KEY",
        "signing",
    )
    assert (second["kid"], second["state"]) == (stored["kid"], "retiring")


def service_keys(cli: Cli, **environ: str) -> list[dict[str, object]]:
    items = cli("keys", "list", "--json", **environ).json["items"]
    return [item for item in items if item["purpose"] == "service"]


@SQLITE
def test_keys_that_cannot_be_opened_are_listed_with_a_warning_and_nothing_is_made(
    on_database: Cli, tmp_path: Path
):
    (secret,) = tmp_path.glob("*.secret-key")
    secret.unlink()
    ended = on_database("keys", "list", "--json")
    assert ended.code == 0
    assert [item["bits"] for item in ended.json["items"]] == [None, None]
    assert ended.err.startswith("warning: SECRET_KEY: ")
    assert not secret.exists()


@SQLITE
def test_no_half_of_a_private_key_is_listed(on_database: Cli):
    for form in ([], ["--json"]):
        ended = on_database("keys", "list", *form)
        assert "PRIVATE KEY" not in ended.out
        assert "fernet" not in ended.out


@pytest.mark.slow
def test_a_rotation_says_when_the_new_key_signs_and_a_second_one_says_the_same(on_database: Cli):
    (old,) = service_keys(on_database)
    first = on_database("keys", "rotate", "--json")
    again = on_database("keys", "rotate", "--json").json
    assert first.json == again
    assert "/auth/public-key" in first.err
    new, before = service_keys(on_database)
    assert (new["kid"], new["state"], new["until"]) == (
        *(again["kid"], "announced", again["signs_from"]),
    )
    assert (before["kid"], before["state"], before["until"]) == (
        *(old["kid"], "signing", again["signs_from"]),
    )
    text = on_database("keys", "rotate").out
    assert text == f"{again['kid']} signs service tokens from {again['signs_from']} on\n"


@SQLITE
def test_login_keys_can_be_rotated_too(on_database: Cli):
    ended = on_database("keys", "rotate", "login", "--json")
    assert ended.json["purpose"] == "login"
    assert ended.err == ""
    assert len(service_keys(on_database)) == 1
    assert on_database("keys", "rotate", "session").code == 2


@pytest.mark.slow
@SQLITE
def test_with_private_key_a_rotation_says_what_to_do_instead(on_database: Cli):
    pair = on_database("keys", "generate", "--json").json
    given = {"PRIVATE_KEY": pair["private_key"]}
    ended = on_database("keys", "rotate", **given)
    assert ended.code == 1
    assert "put a new one (`dhq-auth keys generate`) behind the old one" in ended.err
    assert len(service_keys(on_database)) == 1
    # Nor where only the processes have it: what they sign with is not ours to change.
    assert on_database("keys", "rotate", "login", **given).code == 0
    ended = on_database("keys", "rotate")
    assert ended.code == 1
    assert "PRIVATE_KEY, which is not set here" in ended.err
    shown = {item["kid"]: item for item in service_keys(on_database)}
    assert shown[pair["kid"]]["source"] == "PRIVATE_KEY before"
    assert shown[pair["kid"]]["state"] == "retiring"


@pytest.mark.slow
def test_a_revoked_key_is_gone_and_a_new_one_signs(on_database: Cli):
    (old,) = service_keys(on_database)
    ended = on_database("keys", "revoke", str(old["kid"]), "--yes", "--json")
    assert ended.code == 0
    assert "the service tokens that it signed are refused" in ended.err
    assert "/auth/public-key" in ended.err
    (new,) = service_keys(on_database)
    assert new["state"] == "signing"
    assert ended.json == {"kid": old["kid"], "purpose": "service", "successor": new["kid"]}
    (told, announced) = on_database("audit", "list", "--json").json["items"]
    assert (told["kind"], announced["kind"]) == ("key.revoked", "key.announced")
    again = on_database("keys", "revoke", str(old["kid"]), "--yes")
    assert (again.code, again.err) == (
        *(1, f"there is no key '{old['kid']}'; see `dhq-auth keys list`\n"),
    )


@SQLITE
@pytest.mark.parametrize("kid", ["-h3-e", "-yes", "--h-x", "--yes-h"])
def test_a_name_that_begins_with_a_hyphen_is_no_option(on_database: Cli, kid: str):
    for command in (["revoke", kid, "--yes"], ["revoke", "--json", "--yes", kid]):
        ended = on_database("keys", *command)
        assert ended.code == 1
        assert f"there is no key '{kid}'" in ended.err


@SQLITE
def test_nothing_is_revoked_unless_somebody_says_yes(on_database: Cli):
    before = on_database("keys", "list", "--json").json
    for item in before["items"]:
        ended = on_database("keys", "revoke", item["kid"])
        assert ended.code == 1
        assert "nothing was revoked: say --yes" in ended.err
    assert on_database("keys", "list", "--json").json == before


@pytest.mark.slow
@SQLITE
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 1)])
def test_at_a_terminal_one_is_asked(on_database: Cli, answer: str, code: int):
    (old,) = service_keys(on_database)
    asked, terminal = os.openpty()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-c", PROGRAM, "keys", "revoke", str(old["kid"])],
            env={"PATH": os.environ["PATH"], **on_database.environ},
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.write(asked, answer.encode())
        _, err = process.communicate(timeout=60)
    finally:
        os.close(asked)
        os.close(terminal)
    assert b"Revoke it? [y/N]" in err
    assert process.returncode == code, err
    (now,) = service_keys(on_database)
    assert (now["kid"] != old["kid"]) is (code == 0)


@pytest.mark.slow
@SQLITE
def test_a_key_of_private_key_is_not_revoked_but_exchanged(on_database: Cli):
    pair = on_database("keys", "generate", "--json").json
    given = {"PRIVATE_KEY": pair["private_key"]}
    ended = on_database("keys", "revoke", pair["kid"], "--yes", **given)
    assert ended.code == 1
    assert "give another one there" in ended.err
    # Once it is given no more, what is left of it can be revoked.
    on_database("keys", "rotate", "login", **given)
    assert on_database("keys", "revoke", pair["kid"], "--yes").code == 0
    assert pair["kid"] not in {item["kid"] for item in service_keys(on_database)}


@SQLITE
def test_no_key_is_made_that_the_service_could_not_open(on_database: Cli, tmp_path: Path):
    before = service_keys(on_database)
    (secret,) = tmp_path.glob("*.secret-key")
    right = secret.read_bytes()
    secret.write_bytes(right[::-1])
    for command in (["rotate"], ["revoke", str(before[0]["kid"]), "--yes"]):
        ended = on_database("keys", *command)
        assert ended.code == 1
        assert "SECRET_KEY: does not open" in ended.err
    secret.write_bytes(right)
    assert service_keys(on_database) == before


@SQLITE
def test_the_doctor_warns_of_a_key_that_should_have_been_turned_over(on_database: Cli):
    with closing(sqlite3.connect(on_database.environ["DATABASE_URL"][10:])) as db, db:
        db.execute("UPDATE signing_keys SET signs_from = '2020-01-01 00:00:00.000000'")
    warned = on_database("doctor", "--json", SERVICE_KEY_LIFETIME="1h").found("keys", "warning")
    assert len(warned) == 2
    assert [name in text for text, name in zip(warned, ("KEY_", "SERVICE_KEY_"), strict=True)]
    assert len(on_database("doctor", "--json").found("keys", "warning")) == 1
