"""A real Caddy of our own, with the Caddyfile that a test gives it.

async with Caddy(folder, "https://app.example.com:8443 { … }") as caddy: …

It logs into *folder*, and keeps everything there; it asks nobody for certificates.
"""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Self

OPTIONS = """
{
	admin off
	auto_https off
}
"""
STARTING = 20.0
"""Seconds in which it must have started."""


class Caddy:
    """A server whose life is a `with` block."""

    def __init__(self, folder: Path, sites: str) -> None:
        self._folder = folder
        self._sites = sites
        self._process: Process | None = None

    @property
    def errors(self) -> str:
        """What it has said."""
        return (self._folder / "caddy.log").read_text()

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "Caddyfile"
        file.write_text(OPTIONS + self._sites)
        with (self._folder / "caddy.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(shutil.which("caddy") or "/usr/bin/caddy", "run"),
                *("--config", str(file), "--adapter", "caddyfile"),
                env={"HOME": str(self._folder), "XDG_DATA_HOME": str(self._folder)},
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=log,
            )
        async with asyncio.timeout(STARTING):
            while "serving initial configuration" not in self.errors:
                assert self._process.returncode is None, self.errors
                await asyncio.sleep(0.02)
        return self

    async def __aexit__(self, *_raised: object) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()
