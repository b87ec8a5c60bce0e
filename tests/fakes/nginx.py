"""A real nginx of our own, with the configuration that a test gives it.

async with Nginx(folder, "server { listen 127.0.0.1:8443; … }") as nginx: …

What is given stands inside `http { … }`; it logs into *folder*, and keeps everything there.
"""

import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from tests.fakes.daemon import daemon

CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""


class Nginx:
    """A server whose life is a `with` block."""

    def __init__(self, folder: Path, http: str) -> None:
        self._folder = folder
        self._http = http
        self._life = AsyncExitStack()

    @property
    def errors(self) -> str:
        """What it has complained of."""
        return (self._folder / "error.log").read_text()

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        file, log = self._folder / "nginx.conf", self._folder / "error.log"
        file.write_text(CONFIGURATION.format(folder=self._folder, http=self._http))
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        command = (program, "-p", self._folder, "-e", log, "-c", file)
        await self._life.enter_async_context(
            daemon(command, log=log, has_started=self._has_started)
        )
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self._life.aclose()

    async def _has_started(self) -> bool:
        pid = self._folder / "nginx.pid"
        return pid.exists() and pid.read_text().strip() != ""
