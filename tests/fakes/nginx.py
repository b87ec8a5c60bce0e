"""A real nginx of our own, with the configuration that a test gives it.

async with Nginx(folder, "server { listen 127.0.0.1:8443; … }") as nginx: …

What is given stands inside `http { … }`; it logs into *folder*, and keeps everything there.
"""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Self

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
STARTING = 10.0
"""Seconds in which it must have started."""


class Nginx:
    """A server whose life is a `with` block."""

    def __init__(self, folder: Path, http: str) -> None:
        self._folder = folder
        self._http = http
        self._process: Process | None = None

    @property
    def errors(self) -> str:
        """What it has complained of."""
        return (self._folder / "error.log").read_text()

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "nginx.conf"
        file.write_text(CONFIGURATION.format(folder=self._folder, http=self._http))
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self._process = await asyncio.create_subprocess_exec(
            *(program, "-p", str(self._folder), "-e", str(self._folder / "error.log")),
            *("-c", str(file)),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        async with asyncio.timeout(STARTING):
            while not self._has_started():
                assert self._process.returncode is None, self.errors
                await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_raised: object) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()

    def _has_started(self) -> bool:
        pid = self._folder / "nginx.pid"
        return pid.exists() and pid.read_text().strip() != ""
