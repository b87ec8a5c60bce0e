"""The fuzzer schemathesis, with every check on."""

import asyncio
import os
import sys
from pathlib import Path

from hypothesis import settings

PROGRAM = Path(sys.executable).with_name("schemathesis")
EXAMPLES = {"same": 8, "search": 200}
"""Examples for each operation, by the profile of hypothesis."""


async def run(url: str, configuration: Path, folder: Path, *arguments: str) -> tuple[int, str]:
    """Try all that the OpenAPI document at *url* promises; return the exit code, and what it says."""
    examples = EXAMPLES[settings.get_current_profile_name()]
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("--config-file", configuration, "--no-color", "run", url, "--workers", "1"),
        *("--checks", "all", "--seed", "1", "--max-examples", str(examples), *arguments),
        cwd=folder,
        env={**os.environ, "NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()
