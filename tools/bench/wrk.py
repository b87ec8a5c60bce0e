"""Load from `wrk`, and what it says of it."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SCRIPT: Final = Path(__file__).with_name("requests.lua")
UNITS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
"""Milliseconds in each."""
WARMING: Final = 0.3
"""Seconds of load before it is counted."""
WARMING_CONNECTIONS: Final = 4
PATIENCE: Final = 60
"""Seconds after its end within which a load must have ended."""
_REQUESTS: Final = re.compile(r"(\d+) requests in ([\d.]+)(us|ms|s|m|h)")
_PERCENTILE: Final = re.compile(r"^ +(\d+(?:\.\d+)?)% +([\d.]+)(us|ms|s|m|h) *$", re.MULTILINE)
_REFUSED: Final = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_SOCKET: Final = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")


class LoadFailed(Exception):
    """What was asked was not answered as it should be."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked again and again.

    Of *tokens* each is sent in its turn, in the place of `{token}` in headers and body: once, so that the
    load ends with the last of them, or with *again* anew from the first.
    """

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: str = ""
    tokens: Sequence[str] = field(default=(), repr=False)
    again: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """How many requests were answered in how many seconds, and the latencies in milliseconds."""

    requests: int
    seconds: float
    percentiles: Mapping[float, float]
    refused: int = 0
    broken: int = 0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def p99(self) -> float:
        """Milliseconds within which 99 of 100 were answered."""
        return self.percentiles.get(99.0, float("nan"))


def parsed(output: str) -> Answered:
    """Read what `wrk --latency` prints; raises LoadFailed where that is something else."""
    found = _REQUESTS.search(output)
    if found is None:
        raise LoadFailed(f"wrk said: {output.strip()}")
    refused, broken = _REFUSED.search(output), _SOCKET.search(output)
    return Answered(
        int(found[1]),
        float(found[2]) * UNITS[found[3]] / 1e3,
        {
            float(share): float(value) * UNITS[unit]
            for share, value, unit in _PERCENTILE.findall(output)
        },
        int(refused[1]) if refused else 0,
        sum(map(int, broken.groups())) if broken else 0,
    )


def command(base: str, load: Load, connections: int, seconds: float, folder: Path) -> list[str]:
    """Return how to call wrk; what it is to send is written into *folder*."""
    whole = max(1, round(seconds))
    called = ["wrk", "-t1", f"-c{connections}", f"-d{whole}s", "--timeout", "20s", "--latency"]
    if load.method == "GET" and not load.tokens:
        for name, value in load.headers.items():
            called += ["-H", f"{name}: {value}"]
        return [*called, f"{base}{load.path}"]
    written = folder / "requests.txt"
    written.write_text("\n".join(_lines(load)))
    return [*called, "-s", str(SCRIPT), f"{base}/", "--", str(written)]


def _lines(load: Load) -> list[str]:
    """Return what the script reads, a line each: no body has more than one."""
    headers = [line for name, value in load.headers.items() for line in (name, value)]
    turn = "again" if load.again else "once"
    return [load.method, load.path, str(len(load.headers)), *headers, load.body, turn, *load.tokens]


def run(
    base: str,
    load: Load,
    connections: int,
    seconds: float,
    folder: Path,
    *,
    refusable: bool = False,
) -> Answered:
    """Put *load* on *base* for so many seconds.

    Raises LoadFailed unless all is answered, and unless *refusable* by 2xx.
    """
    called = command(base, load, connections, seconds, folder)
    try:
        finished = subprocess.run(
            called, capture_output=True, text=True, timeout=seconds + PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"{load.path}: the load did not end") from error
    answered = parsed(finished.stdout + finished.stderr)
    if not answered.requests:
        raise LoadFailed(f"{load.path}: nothing was answered in {seconds:g} s")
    if answered.refused and not refusable:
        raise LoadFailed(
            f"{load.path}: {answered.refused} of {answered.requests} requests were refused"
        )
    return answered


def warm(base: str, load: Load, folder: Path) -> None:
    """Put *load* on *base* for a moment, which is not counted."""
    called = command(base, load, WARMING_CONNECTIONS, PATIENCE, folder)
    process = subprocess.Popen(called, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(WARMING)
    process.send_signal(signal.SIGINT)  # upon which wrk ends its load
    try:
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.wait()


def version() -> str:
    """Return the version of wrk; raises SystemExit where there is none."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing; on Debian: apt-get install wrk")
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)
    found = re.search(r"wrk (?:debian/)?(\S+)", said.stdout + said.stderr)
    return found[1] if found else "unknown"
