"""A real Caddy of our own, with the Caddyfile that a test gives it.

async with Caddy(folder, "https://app.example.com:8443 { … }") as caddy: …

It logs into *folder*, and keeps everything there; it asks nobody for certificates.
"""

import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from tests.fakes.daemon import daemon

OPTIONS = """
{
	admin off
	auto_https off
}
"""


class Caddy:
    """A server whose life is a `with` block."""

    def __init__(self, folder: Path, sites: str) -> None:
        self._folder = folder
        self._sites = sites
        self._life = AsyncExitStack()

    @property
    def errors(self) -> str:
        """What it has said."""
        return (self._folder / "caddy.log").read_text()

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        file, home = self._folder / "Caddyfile", str(self._folder)
        file.write_text(OPTIONS + self._sites)
        program = shutil.which("caddy") or "/usr/bin/caddy"
        await self._life.enter_async_context(
            daemon(
                (program, "run", "--config", file, "--adapter", "caddyfile"),
                log=self._folder / "caddy.log",
                has_started=self._has_started,
                environ={"HOME": home, "XDG_DATA_HOME": home},
            )
        )
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self._life.aclose()

    async def _has_started(self) -> bool:
        return "serving initial configuration" in self.errors
