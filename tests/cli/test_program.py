"""What holds for every command: exit codes, and what is on which stream."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

DATABASE_COMMANDS = ["db check", "db upgrade", "keys list", "audit list"]
READING = [*DATABASE_COMMANDS, "config show", "config check"]
SECRET = "do-not-show-this-to-anybody-at-all"
PROGRAM = [sys.executable, "-c", "from dhq_auth.cli import main; main()"]


@pytest.mark.parametrize("command", [*READING, "serve"])
def test_every_fault_of_the_settings_is_a_line_and_the_exit_code_is_2(cli: Cli, command: str):
    ended = cli(*command.split(), PORT="http", WORKERS="many", SECRET_KEY=f"{SECRET}\x1b{SECRET}")
    assert ended.code == 2
    assert ended.out == ""
    assert [line.partition(":")[0] for line in ended.err.splitlines()] == [
        *("PORT", "WORKERS", "SECRET_KEY")
    ]
    assert SECRET not in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["keys", "lst"],
        ["keys", "generate", "--bits", "1024"],
        ["keys", "generate", "--bits", "many"],
        ["audit", "list", "--limit", "0"],
        ["audit", "list", "unasked"],
        ["doctor", "--timeout", "nan"],
        ["healthcheck", "--no-such-option"],
    ],
)
def test_wrong_usage_is_exit_code_2_with_nothing_on_standard_output(cli: Cli, arguments: list[str]):
    ended = cli(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert "Error" in ended.err


def test_a_misspelt_command_is_guessed(cli: Cli):
    assert "doctor" in cli("docter").err


@pytest.mark.parametrize("command", DATABASE_COMMANDS)
def test_a_database_that_is_away_is_said_in_a_line_without_its_password(cli: Cli, command: str):
    url = f"postgresql://operator:{SECRET}@127.0.0.1:1/auth"
    ended = cli(*command.split(), DATABASE_URL=url)
    assert (ended.code, ended.out) == (1, "")
    (line,) = ended.err.splitlines()
    assert line.startswith("DATABASE_URL: postgresql://operator:***@127.0.0.1:1/auth ")
    assert SECRET not in line


@pytest.mark.parametrize("command", DATABASE_COMMANDS)
def test_a_file_that_is_no_database_is_said_in_a_line_and_left_alone(cli, tmp_path, command):
    file = tmp_path / "letter.txt"
    file.write_text("Dear reader, " * 100)
    ended = cli(*command.split(), DATABASE_URL=f"sqlite:///{file}")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("DATABASE_URL: ")
    assert len(ended.err.splitlines()) == 1
    assert file.read_text() == "Dear reader, " * 100


@pytest.mark.parametrize("command", [*READING, "doctor", "keys generate"])
def test_with_json_there_is_one_document_and_nothing_else(on_database: Cli, command: str):
    ended = on_database(*command.split(), "--json", GOOGLE_SECERT="misspelt")
    assert ended.code == 0
    assert isinstance(ended.json, dict)


@pytest.mark.parametrize("command", ["keys list", "audit list"])
def test_a_command_that_needs_the_schema_makes_none(cli: Cli, tmp_path, command):
    ended = cli(*command.split())
    assert (ended.code, ended.out) == (1, "")
    assert "db check" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_printed(cli: Cli):
    ended = cli("--version")
    assert ended.code == 0
    assert ended.out.count(".") == 2


@pytest.mark.process
@pytest.mark.parametrize("arguments", [["--help"], ["healthcheck", "--timeout", "0.1"]])
def test_what_is_run_often_loads_nothing_heavy(arguments: list[str]):
    script = (
        "import atexit, sys; from dhq_auth.cli import main;"
        "heavy = ['aiohttp', 'sqlalchemy', 'cryptography', 'alembic', 'jinja2'];"
        "atexit.register(lambda: print('loaded', [m for m in heavy if m in sys.modules]));"
        f"sys.argv = ['dhq-auth', *{arguments!r}]; main()"
    )
    ended = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", script],
        env={"PORT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.endswith("loaded []\n"), ended


@pytest.mark.process
def test_a_terminal_that_lacks_our_letters_is_no_fault(tmp_path: Path):
    ended = subprocess.run(  # noqa: S603 - our own
        [*PROGRAM, "doctor"],
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert r" \u2192 set GOOGLE_KEY" in ended.stdout


@pytest.mark.process
async def test_ctrl_c_ends_a_command_quietly():
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, "healthcheck", "--timeout", "60",
            env={"PORT": str(port)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        await asked.wait()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert process.returncode == 130
    assert (out, err) == (b"", b"")
