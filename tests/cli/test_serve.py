"""Starting the service for real: what is said at the start, and why there is none."""

import asyncio
import os
import pty
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.fixtures.process import kill

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SECRET = "do-not-show-this-to-anybody-at-all"
SERVE = ("-c", "from dhq_auth.cli import main; main()", "serve")
SCRIPT = (str(ROOT / "server.py"),)
PATIENCE = 60

Begin = Callable[..., Awaitable[Process]]


@pytest.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Begin]:
    """Start a process in an empty folder; what is still running at the end is killed."""
    async with AsyncExitStack() as stack:

        async def start(*arguments: str, stdout: int = PIPE, **environ: str) -> Process:
            environ = {"PORT": "0", "LOG_FORMAT": "text", **environ}
            process = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, cwd=tmp_path, env=environ, stdout=stdout, stderr=PIPE
            )
            stack.push_async_callback(kill, process)
            return process

        yield start


async def refused(process: Process) -> tuple[int, list[str]]:
    """Wait for the end; return the exit code and the lines on standard error."""
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert out == b""
    assert process.returncode is not None
    return process.returncode, err.decode().splitlines()


async def listening(process: Process) -> str:
    """Wait until it serves; return what it said on standard output, which is in a pipe."""
    assert process.stderr
    assert process.stdout
    async with asyncio.timeout(PATIENCE):
        while b"listening" not in (line := await process.stderr.readline()):
            assert line, "it ended"
        process.send_signal(signal.SIGTERM)
        return (await process.stdout.read()).decode()


@SQLITE
@pytest.mark.parametrize(("program", "workers"), [(SERVE, "1"), (SCRIPT, "2")])
async def test_a_terminal_is_told_what_is_on_and_where_to_click(
    begin: Begin, database_url: str, program: tuple[str, ...], workers: str
):
    ours, theirs = pty.openpty()
    process = await begin(*program, stdout=theirs, DATABASE_URL=database_url, WORKERS=workers)
    os.close(theirs)
    said = b""
    async with asyncio.timeout(PATIENCE):
        while b"make demo" not in said:
            said += await asyncio.to_thread(os.read, ours, 4096)
    os.close(ours)
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
    assert said.count(b"http://localhost:8000/login") == 1
    assert b"GOOGLE_KEY" in said


@SQLITE
async def test_elsewhere_it_is_told_only_when_asked(begin: Begin, database_url: str):
    silent = await begin(*SERVE, DATABASE_URL=database_url)
    assert await listening(silent) == ""
    told = await begin(*SERVE, "--summary", DATABASE_URL=database_url)
    assert "GITHUB_KEY" in await listening(told)


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"DATABASE_URL": "sqlite:////dev/null/auth.db", "WORKERS": "2"}, "DATABASE_URL"),
        ({"DATABASE_URL": f"postgresql://o:{SECRET}@127.0.0.1:1/auth?sslmode=off"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:////dev/null/auth.db"}, "DATABASE_URL"),
        ({"ALLOWED_SERVICES": "no.such.module"}, "ALLOWED_SERVICES"),
        ({"INSTALLED_EXTENSIONS": "json"}, "INSTALLED_EXTENSIONS"),
        ({"HOST": "203.0.113.7"}, "HOST"),
    ],
)
async def test_a_start_that_cannot_be_is_said_in_a_line_that_names_the_setting(
    begin: Begin, environ: dict[str, str], name: str
):
    process = await begin(*SERVE, "--summary", **environ)
    code, lines = await refused(process)
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith(f"{name}: ")
    assert SECRET not in lines[0]


def forge_secret_key(folder: Path) -> None:
    (secret,) = folder.glob("*.secret-key")
    secret.write_text("A" * len(secret.read_text()))


@SQLITE
async def test_keys_that_do_not_open_are_said_in_a_line(
    begin: Begin, database_url: str, tmp_path: Path
):
    await asyncio.to_thread(forge_secret_key, tmp_path)
    code, lines = await refused(await begin(*SERVE, DATABASE_URL=database_url))
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("SECRET_KEY: ")


@SQLITE
async def test_a_port_in_use_is_said_in_a_line(begin: Begin, database_url: str):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, lines = await refused(await begin(*SERVE, DATABASE_URL=database_url, PORT=str(port)))
    assert code == 1
    assert [line.partition(":")[0] for line in lines] == ["PORT"]


async def test_a_database_of_something_else_stops_the_start(begin: Begin, tmp_path: Path):
    file = tmp_path / "letter.txt"
    file.write_text("Dear reader, " * 100)
    code, lines = await refused(await begin(*SERVE, DATABASE_URL=f"sqlite:///{file}"))
    assert code == 1
    assert [line.partition(":")[0] for line in lines] == ["DATABASE_URL"]
