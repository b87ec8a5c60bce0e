"""The clock of a process of its own, which a test can put forward and back while it runs."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from aiohttp import ClientSession

FAKETIME: Final = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""Debian's package `faketime`."""
TAKES_NOTE: Final = 30.0
"""Seconds after which a process that still shows the old time never will the new one."""


class WrongClock:
    """What a process takes for the time; intervals, which the loop counts, stay as they are."""

    def __init__(self, file: Path) -> None:
        assert FAKETIME is not None, "faketime is missing: run tools/install_test_needs.sh"
        self._file = file
        self._ahead = timedelta(0)
        self.set(0)
        self.environ = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def set(self, seconds: int) -> None:
        """Let it be so many seconds fast."""
        self._ahead = timedelta(seconds=seconds)
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}s\n")
        draft.rename(self._file)

    async def jump(self, seconds: int, url: str) -> None:
        """Let it be so many seconds fast, and wait until the service at *url* has taken note."""
        self.set(seconds)
        async with ClientSession(url) as session, asyncio.timeout(TAKES_NOTE):
            while True:
                async with session.get("/healthz") as answer:
                    shown = parsedate_to_datetime(answer.headers["Date"])
                if abs(shown - self.now()) < timedelta(seconds=5):
                    return
                await asyncio.sleep(0.05)

    def now(self) -> datetime:
        """Return what it shows."""
        return datetime.now(UTC) + self._ahead
