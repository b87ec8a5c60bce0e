"""docs/cli.md and the program tell of the same commands and options."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dhq_auth.cli import COMMANDS
from dhq_auth.cli.program import load
from tests.cli.conftest import Cli

TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
SECTIONS = dict(
    re.findall(r"^### `dhq-auth ([a-z -]+)`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
)


def commands() -> Iterator[tuple[str, Any]]:
    for name in COMMANDS:
        command = load(name)
        if hasattr(command, "commands"):
            for below, each in command.commands.items():
                yield f"{name} {below}", each
        else:
            yield name, command


ALL = list(commands())


def options(command: Any) -> set[str]:
    names = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    return {name for name in names if name.startswith("-")} - {"--json", "--help", "-h"}


def test_every_command_is_documented_and_every_documented_one_exists():
    assert SECTIONS.keys() == dict(ALL).keys()


@pytest.mark.parametrize(("name", "command"), ALL)
def test_every_option_is_documented_and_every_documented_one_exists(name: str, command: Any):
    documented = re.findall(r"^- (`--.*?):", SECTIONS[name], re.MULTILINE)
    named = {option for line in documented for option in re.findall(r"--[a-z-]+", line)}
    assert named == options(command)


@pytest.mark.parametrize(("name", "command"), ALL)
def test_every_command_but_serve_has_json(name: str, command: Any):
    has = any("--json" in each.opts for each in command.params)
    assert has == (name != "serve")


@pytest.mark.parametrize("name", ["", *COMMANDS, *(name for name, _ in ALL)])
def test_help_explains_every_command(cli: Cli, name: str):
    ended = cli(*name.split(), "--help")
    assert ended.code == 0
    assert "Usage" in ended.out
    assert ended.err == ""
