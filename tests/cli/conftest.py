"""The command line as a function: arguments and environment in, exit code and texts out."""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dhq_auth.cli.program import program


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    def found(self, subject: str, level: str | None = None) -> list[str]:
        """Return what the doctor found of *subject*, with what to do about it."""
        return [
            f"{each['text']} → {each['todo']}"
            for each in self.json["findings"]
            if each["subject"] == subject and level in {None, each["level"]}
        ]


class Cli:
    """Runs commands with an environment of this test alone: `cli("keys", "list", PORT="1")`.

    *stdin* is what they find on standard input.
    """

    def __init__(self, **environ: str) -> None:
        self.environ = environ

    def __call__(self, *arguments: str, stdin: str | bytes | None = None, **environ: str) -> Ended:
        whole = {**dict.fromkeys(os.environ), **self.environ, **environ}
        result = CliRunner().invoke(program, arguments, input=stdin, env=whole)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    async def aside(
        self, *arguments: str, stdin: str | bytes | None = None, **environ: str
    ) -> Ended:
        """Run a command while the servers of the test go on answering."""
        return await asyncio.to_thread(self, *arguments, stdin=stdin, **environ)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Commands on a database that is not there yet."""
    return Cli(DATABASE_URL=f"sqlite:///{tmp_path}/new/dhq-auth.db")


@pytest.fixture
def on_database(database_url: str) -> Cli:
    """Commands on a database that is up to date and has keys."""
    return Cli(DATABASE_URL=database_url)
