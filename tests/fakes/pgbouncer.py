"""A real PgBouncer in front of a real PostgreSQL, which gives a connection for one transaction.

async with PgBouncer(postgres, folder, connections=2) as pooler: pooler.url("a_database")
"""

import os
import shutil
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from tests.fakes.daemon import daemon, listens
from tests.fakes.postgres import PASSWORD, UNPRIVILEGED, PostgresServer

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
logfile = {folder}/log
pool_mode = transaction
default_pool_size = {connections}
"""


class PgBouncer:
    """A pooler whose life is a `with` block; with *connections* to the server."""

    def __init__(self, postgres: PostgresServer, folder: Path, *, connections: int) -> None:
        self._postgres = postgres
        self._folder = folder
        self._connections = connections
        self._port = 0
        self._life = AsyncExitStack()

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of *database* behind the pooler."""
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self._port}/{database}"

    async def __aenter__(self) -> Self:
        self._folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        (self._folder / "users").write_text(f'"postgres" "{PASSWORD}"\n')
        file = self._folder / "pgbouncer.ini"
        file.write_text(
            CONFIGURATION.format(
                folder=self._folder,
                server=self._postgres.port,
                port=self._port,
                connections=self._connections,
            )
        )
        # It refuses to run as root, and what root gives away nobody else sees into.
        instead = []
        if os.geteuid() == 0:
            instead = ["-u", UNPRIVILEGED]
            for path in (self._folder, *self._folder.iterdir()):
                shutil.chown(path, UNPRIVILEGED)
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        await self._life.enter_async_context(
            daemon(
                (program, "-q", *instead, file),
                log=self._folder / "said",
                has_started=lambda: listens(self._port),
            )
        )
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self._life.aclose()
