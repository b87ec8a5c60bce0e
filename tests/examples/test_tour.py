"""The tour of the README, as a newcomer types it."""

import asyncio
import os
import re
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from tests.fixtures.process import Serve, kill

ROOT = Path(__file__).parents[2]
PATIENCE = 60
pytestmark = [
    pytest.mark.process,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


def blocks() -> list[str]:
    """Return what the tour has one type, but for the two servers."""
    tour = (ROOT / "README.md").read_text().partition("## Five minutes with row-level policies")[2]
    _servers, *typed = re.findall(
        r"^```sh\n(.*?)^```", tour.partition("\n## ")[0], re.MULTILINE | re.DOTALL
    )
    return typed


async def answers(port: int) -> None:
    """Wait until somebody listens on *port*."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                continue
            writer.close()
            return await writer.wait_closed()


async def test_the_tour_shows_what_it_says(serve: Serve, database_url: str, tmp_path: Path) -> None:
    auth = serve(ALLOWED_SERVICES="notes:policies")
    await auth.start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    inherited = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    notes = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "examples.notes"),
        cwd=tmp_path,
        env={
            **inherited,
            "NOTES_AUTH_URL": auth.url,
            "NOTES_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/notes.db",
            "NOTES_PORT": str(port),
        },
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        await answers(port)
        script = "\n".join(blocks())
        for written, here in (
            ("http://localhost:8000", auth.url),
            ("http://localhost:8100", f"http://localhost:{port}"),
            (".venv/bin/dhq-auth", f"{Path(sys.executable).parent}/dhq-auth"),
        ):
            assert written in script
            script = script.replace(written, here)
        # Each answer on a line of its own.
        script = script.replace("curl -s", "curl -s -w '\\n'")
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euc", script),
            cwd=tmp_path,
            env={**inherited, "DATABASE_URL": database_url},
            stdout=PIPE,
            stderr=PIPE,
        )
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    finally:
        await kill(notes)
    assert process.returncode == 0, err.decode()
    said = [line for line in out.decode().splitlines() if line.startswith("{")]
    registered, made, by_bob, published, read, by_all, deleted = said[:2], *said[2:8]
    assert all('"username"' in line for line in registered)
    assert '"title": "plans"' in made
    assert by_bob == '{"items": []}'
    assert '"published": true' in published
    assert read == by_all == published
    assert deleted == '{"items": []}'
    assert "user_id" in out.decode().rpartition(deleted)[2]
