"""Servers as processes: begun, awaited, weighed, ended; each with all its children."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DEADLINE: Final = 60.0
"""Seconds for a server to answer, and to end."""
PAUSE: Final = 0.002
SETTLING, QUIET = 20.0, 0.1
"""Seconds for a server to become quiet, and for which it then is."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class NotRun(Exception):
    """A server cannot be installed or started here; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How to start a server; *ready* is the path that answers 200 when it serves."""

    argv: Sequence[str | Path]
    ready: str
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a server runs: *home* is its installation, *folder* holds the data of this run."""

    home: Path
    folder: Path
    port: int
    processes: int = 1
    database: int = 0
    """The process of its database server, where that is one of its own."""

    @property
    def base(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers, and the seconds that it took until it did."""

    site: Site
    pid: int
    took: float
    ready: str

    @property
    def base(self) -> str:
        """Its address."""
        return self.site.base

    def settle(self) -> None:
        """Wait until what was asked before is done, by those who have gone away: a while at most.

        Then it uses no processor, and answers at once, since nothing stands in its queue.
        """
        until = time.perf_counter() + SETTLING
        while (before := time.perf_counter()) < until:
            spent = cpu(self.pid)
            time.sleep(QUIET)
            if cpu(self.pid) - spent < QUIET / 5:
                _answers(self.ready)
                if time.perf_counter() - before < 2 * QUIET:
                    return


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Command, site: Site) -> Iterator[Running]:
    """Run *command* at *site*, where its log is; raises NotRun if it does not answer in time."""
    log, ready = site.folder / "log", f"{site.base}{command.ready}"
    began = time.perf_counter()
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [str(word) for word in command.argv],
                cwd=site.folder,
                env={**os.environ, **command.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise NotRun(f"it did not start: {error}") from error
    try:
        while not _answers(ready):
            if process.poll() is not None or time.perf_counter() - began > DEADLINE:
                raise NotRun(f"it did not start: {_last_line(log)}")
            time.sleep(PAUSE)
        yield Running(site, process.pid, time.perf_counter() - began, ready)
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE / 6)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):  # what it has left behind, in the session begun for it
            os.killpg(process.pid, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except OSError:
        return False


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"


def tree(pid: int) -> list[int]:
    """Return *pid* and all its descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            found += map(int, _read(task / "children").split())
    return found


def cpu(pid: int) -> float:
    """Return the processor time of *pid* and its descendants, in seconds."""
    spent = 0
    for each in tree(pid):
        fields = _read(Path(f"/proc/{each}/stat")).rpartition(")")[2].split()
        # Of the children only those that have ended are in the last two (`times(2)`).
        spent += sum(map(int, fields[11:15]))
    return spent / _TICKS


def memory(pid: int) -> float:
    """Return the memory of *pid* and its descendants in MiB; pages they share count once (PSS)."""
    total = 0
    for each in tree(pid):
        found = re.search(r"^Pss:\s+(\d+)", _read(Path(f"/proc/{each}/smaps_rollup")), re.MULTILINE)
        total += int(found[1]) if found else 0
    return total / 1024


def _read(path: Path) -> str:
    """Return what stands in *path*; nothing where its process has ended meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


def size(files: Iterable[Path]) -> float:
    """Return what *files* take on the disk, in MiB; a file of several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for each in files:
        known = each.lstat()
        seen[known.st_dev, known.st_ino] = known.st_blocks * 512
    return sum(seen.values()) / 1024**2
