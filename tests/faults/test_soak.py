"""REL-18: the soak, in a form of seconds: that it runs, and that nothing it sees is wrong.

Whether anything grows shows in half an hour: `make soak`.
"""

import asyncio
import sys
from pathlib import Path

from tests.fixtures.process import kill

MINUTES = 0.2


async def test_rel_18_a_short_soak_finds_nothing_wrong() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.soak", "--minutes", str(MINUTES), "--people", "2"),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        said = (await process.stdout.read()).decode()
        assert await process.wait() == 0, said
    finally:
        await kill(process)
    first, *slopes = said.splitlines()
    assert "wrong 0, lost 0" in first
    assert [line.partition(":")[0] for line in slopes] == ["resident", "descriptors", "rows"]
