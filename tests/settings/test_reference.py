"""What is written for operators: the page of all settings, and the key pair that a tool prints."""

import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from dhq_auth.settings import from_environ
from tests.settings.test_variables import NAMES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page():
    return runpy.run_path(str(ROOT / "tools" / "settings_reference.py"))["reference"]()


def test_the_page_of_settings_is_what_the_code_declares(page):
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page, "run: python tools/settings_reference.py > docs/settings.md"


def test_every_variable_has_one_row_of_four_columns(page):
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    listed = (row.split("`")[1].replace("OIDC_<NAME>", "OIDC_ACME") for row in rows)
    names = [name.replace("ISSUER_<NAME>", "ISSUER_CORP") for name in listed]
    assert sorted(names) == sorted(NAMES | {"PROVIDER_<ALIAS>_…", "EXTENSION_<NAME>_…"})
    assert {row.replace(r"\|", "").count("|") for row in rows} == {5}
    assert page.count("\n## ") == page.count("| variable | default |")


def run(*command: str):
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    """An environment file with what the tool prints."""
    made = run(str(ROOT / "tools" / "generate_key_pair.sh"))
    assert (made.returncode, made.stderr) == (0, "")
    file = tmp_path_factory.mktemp("keys") / ".env"
    file.write_text(made.stdout)
    return file


def check_pair(environ):
    settings = from_environ(environ)
    (private,) = settings.private_keys
    assert private.key_size == 2048
    assert settings.public_keys == (private.public_key(),)
    assert settings.warnings == ()


@pytest.mark.slow
def test_a_generated_pair_works_from_a_shell(key_file):
    shell = shutil.which("sh")
    shown = run(shell, "-c", 'set -a; . "$1"; env -0', "sh", str(key_file)).stdout
    environ = dict(entry.split("=", 1) for entry in shown.split("\0") if entry)
    check_pair({name: environ[name] for name in ("PRIVATE_KEY", "PUBLIC_KEY")})


@pytest.mark.slow
def test_a_generated_pair_works_from_docker_which_keeps_quotes(key_file):
    lines = key_file.read_text().splitlines()
    assert [line.partition("=")[0] for line in lines] == ["PRIVATE_KEY", "PUBLIC_KEY"]
    check_pair(dict(line.split("=", 1) for line in lines))


def test_a_generated_pair_works_from_a_file_reader_that_expands_newlines(key_file):
    lines = key_file.read_text().splitlines()
    pairs = (line.replace("'", "").replace("\\n", "\n").split("=", 1) for line in lines)
    check_pair(dict(pairs))


@pytest.mark.parametrize("bits", ["1024", "x", "-1", "99999", "2048; id"])
def test_a_key_of_another_size_than_is_safe_is_not_made(bits):
    made = run(str(ROOT / "tools" / "generate_key_pair.sh"), bits)
    assert (made.returncode, made.stdout) == (2, "")
    assert "from 2048 to 16384" in made.stderr
