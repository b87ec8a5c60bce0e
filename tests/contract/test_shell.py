"""A shell script with curl does all that a program needs."""

import asyncio
from pathlib import Path

import pytest

from tests.fixtures.service import Start

SCRIPT = Path(__file__).with_name("shell.sh")


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_script_needs_nothing_but_curl(start: Start, tmp_path: Path) -> None:
    service = await start()
    process = await asyncio.create_subprocess_exec(
        *("sh", str(SCRIPT), service.url, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, faults = await process.communicate()
    assert (said.decode(), faults.decode()) == ("done\n", "")
