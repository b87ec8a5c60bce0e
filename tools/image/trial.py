"""Try an image of dhq-auth: `trial.py IMAGE ENGINE [OPTION OF THE ENGINE…]`.

Starts a container as hardened as can be, looks at it from outside and from inside, stops it, and
starts it again. Says what it sees; ends with 1 at the first thing that is not as it should be.
Needs nothing but Python.
"""

import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

PATIENCE: Final = 60
"""Seconds in which it must be up."""
GRACE: Final = 30
"""Seconds from SIGTERM to its end."""
LIMITS: Final = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=1024:1024")
"""Engines would raise them, which not every machine allows."""
HARDENED: Final = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
PUBLISHED: Final = ("--publish", "127.0.0.1::8000")
SHELLS: Final = ("/bin/sh", "/bin/bash")


class NotAsItShouldBe(Exception):
    """The trial is over."""


class Container:
    """A container with a name, made by an engine."""

    def __init__(self, engine: list[str], name: str) -> None:
        self._engine = engine
        self.name = name
        self.address: tuple[str, int] | None = None
        """Where it answers; None: at the published port."""

    def tell(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command of the engine."""
        return subprocess.run(
            [*self._engine, *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            check=False,
            timeout=2 * PATIENCE,
        )

    def ask(self, *arguments: str, stdin: str | None = None) -> str:
        """Return what a command of the engine prints; raise where it fails."""
        done = self.tell(*arguments, stdin=stdin)
        if done.returncode:
            raise NotAsItShouldBe(
                f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done.stdout.strip()

    def get(self, path: str, deadline: float = 0) -> str:
        """Return what is at *path*; until *deadline* wait for it."""
        host, port = self.address or self._published()
        while True:
            try:
                return _body(host, port, path)
            except (OSError, HTTPException, NotAsItShouldBe) as error:
                if time.monotonic() > deadline or not self.is_running():
                    raise NotAsItShouldBe(f"GET {path}: {error!r}\n{self.log()}") from error
            time.sleep(0.02)

    def inspect(self, what: str) -> str:
        """Return a part of what the engine knows about it."""
        return self.ask("inspect", "--format", f"{{{{{what}}}}}", self.name)

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.inspect(".State.Running") == "true"

    def is_healthy(self) -> bool:
        """Whether the HEALTHCHECK of the image says so."""
        if self._engine[0] == "podman":
            # By hand: Podman leaves the rhythm to systemd, which is not everywhere.
            return self.tell("healthcheck", "run", self.name).returncode == 0
        return self.inspect(".State.Health.Status") == "healthy"

    def stop(self) -> None:
        """Send SIGTERM; what has not ended in time is killed, which the exit code shows."""
        self.ask("stop", "-t", str(GRACE), self.name)
        if (code := self.inspect(".State.ExitCode")) != "0":
            raise NotAsItShouldBe(f"after SIGTERM the exit code is {code}, not 0\n{self.log()}")

    def _published(self) -> tuple[str, int]:
        host, _, port = self.ask("port", self.name, "8000").splitlines()[0].rpartition(":")
        return host, int(port)

    def log(self) -> str:
        """Return what it logged."""
        done = self.tell("logs", self.name)
        return done.stdout + done.stderr


@contextmanager
def container(image: str, engine: list[str], *options: str) -> Iterator[Container]:
    """Run *image* with *options*; remove the container and its volumes at the end."""
    it = Container(engine, f"dhq-auth-trial-{secrets.token_hex(4)}")
    limits = [*LIMITS]
    if engine[0] == "podman":
        limits.append("--read-only-tmpfs=false")  # Docker gives none, either
    try:
        it.ask("run", "--detach", "--name", it.name, *limits, *options, image)
        yield it
    finally:
        it.tell("rm", "--force", "--volumes", it.name)


def main(image: str, engine: list[str]) -> None:
    """Try *image*."""
    with tempfile.NamedTemporaryFile() as empty:
        # An empty file instead of each shell: nothing may need one.
        no_shell = [f"--volume={empty.name}:{shell}:ro" for shell in SHELLS]
        began = time.monotonic()
        with container(image, engine, *HARDENED, *PUBLISHED, *no_shell) as it:
            _try(it, began)
            size = int(it.ask("image", "inspect", "--format", "{{.Size}}", image))
    _say(f"the image has {size / 1e6:.0f} MB, base included")


def _try(it: Container, began: float) -> None:
    it.get("/readyz", began + PATIENCE)
    _say(f"/readyz answers 200 from outside, {time.monotonic() - began:.1f} s after `run`")
    _wait_for_health(it)
    _say(it.ask("exec", "--interactive", it.name, "python", "-", stdin=_inside()))
    key = it.get("/auth/public-key")
    _stop(it)
    it.ask("start", it.name)
    if it.get("/auth/public-key", time.monotonic() + PATIENCE) != key:
        raise NotAsItShouldBe("the key was lost between two starts")
    _say("started again: the same public key, from the volume at /data")
    _stop(it)


def _inside() -> str:
    return Path(__file__).with_name("inside.py").read_text(encoding="utf-8")


def _wait_for_health(it: Container) -> None:
    deadline = time.monotonic() + PATIENCE
    while not it.is_healthy():
        if time.monotonic() > deadline or not it.is_running():
            raise NotAsItShouldBe(f"HEALTHCHECK does not become healthy\n{it.log()}")
        time.sleep(0.5)
    _say("HEALTHCHECK is healthy")


def _stop(it: Container) -> None:
    began = time.monotonic()
    it.stop()
    _say(f"SIGTERM to process 1: exit code 0 after {time.monotonic() - began:.1f} s")


def _body(host: str, port: int, path: str) -> str:
    connection = HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise NotAsItShouldBe(f"{answer.status}: {json.dumps(text)}")
    return text


def _say(text: str) -> None:
    for line in text.splitlines():
        print(f"image: {line}", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except (NotAsItShouldBe, subprocess.TimeoutExpired) as fault:
        sys.exit(f"image: {fault}")
