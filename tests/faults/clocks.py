"""The clock of a process of its own, which a test can put forward and back while it runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

FAKETIME: Final = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""Debian's package `faketime`."""


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
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def set(self, seconds: int) -> None:
        """Let it be so many seconds fast."""
        self._ahead = timedelta(seconds=seconds)
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{seconds:+d}s\n")
        draft.rename(self._file)

    def now(self) -> datetime:
        """Return what it shows."""
        return datetime.now(UTC) + self._ahead
