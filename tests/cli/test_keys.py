"""Making keys, and listing those in use."""

import subprocess
from pathlib import Path

import jwt as pyjwt
import pytest

from dhq_auth.settings import from_environ
from tests.cli.conftest import Cli

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
