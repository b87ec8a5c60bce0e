"""`make bench`: cold start, memory, and requests per second as ratios to a bare aiohttp server.

Servers run one at a time, rounds interleaved (A B C, A B C, …), so that a machine that changes its
mind changes it for all. The load comes from `wrk`. Figures depend on the machine, ratios less so.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientSession, CookieJar
from yarl import URL

from tests.fakes.oidc_issuer import OidcIssuer

ROOT = Path(__file__).parents[2]
CONNECTIONS = (1, 32)
COLD_STARTS = 5
DEADLINE = 20.0
LOGIN = "/auth/oauth_callback"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[str], url: str, environ: dict[str, str]) -> Iterator[tuple[int, float]]:
    """Run *command* until *url* answers 200; give its process id and the seconds that took."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(url, timeout=1).read()  # noqa: S310 - our own address
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - began > DEADLINE:
                    raise SystemExit(f"{command} did not start") from None
                time.sleep(0.005)
        yield process.pid, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def memory(pid: int) -> float:
    """Return the resident memory of *pid* in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmRSS:\s+(\d+)", status)
    return int(match[1]) / 1024 if match else float("nan")


def cpu(pid: int) -> float:
    """Return the processor time of *pid* in seconds, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(url: str, connections: int, seconds: int, headers: dict[str, str]) -> float:
    """Return the requests per second that `wrk` got answered with 200."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"{url} refused: {output}")
    match = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    return float(match[1]) if match else float("nan")


async def log_in(base: str, issuer: OidcIssuer) -> str:
    """Log in once, the ordinary way, and return the login token."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        url = f"{base}/auth/login/bench?next=http://localhost:3000"
        for _ in range(3):
            async with browser.get(URL(url, encoded=True), allow_redirects=False) as answer:
                url = answer.headers["Location"]
        return parse_qs(urlsplit(url).query)["jwt"][0]


async def prepare(base: str, environ: dict[str, str]) -> str:
    """Make the database, the keys and a user, and return a login token of that user."""
    async with OidcIssuer() as issuer:
        issuer.client.redirect_uris.add(f"{base}{LOGIN}")
        provider = {
            "OIDC_PROVIDERS": "bench",
            "OIDC_BENCH_ISSUER": issuer.url,
            "OIDC_BENCH_KEY": issuer.client.id,
            "OIDC_BENCH_SECRET": issuer.client.secret or "",
        }
        with running(["server.py"], f"{base}/healthz", {**environ, **provider}):
            return await log_in(base, issuer)


def main() -> None:
    """Measure, and print the figures as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3, help="of load, per figure and round")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing; on Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.rounds, options.seconds)


def measure(folder: Path, rounds: int, seconds: int) -> None:
    """Run all rounds and print what came of them."""
    port, hello_port = free_port(), free_port()
    base, hello = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{hello_port}/"
    permissions = folder / "permissions.json"
    permissions.write_text(json.dumps({"*": {"*": {"read": True}}}))
    environ = {
        "PORT": str(port),
        "EXTERNAL_ADDRESS": base,
        "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        "ALLOWED_SERVICES": "bench:static",
        "PROVIDER_BENCH_FILE": str(permissions),
        "LOG_LEVEL": "warning",
    }
    token = asyncio.run(prepare(base, environ))
    headers = {"Auth-Token": token}
    paths = {
        "/auth/check": headers,
        "/auth/authorize?service=bench": headers,
        "/auth/public-key": {},
    }
    figures: dict[tuple[str, int], list[float]] = defaultdict(list)
    spent: dict[str, list[float]] = defaultdict(list)
    starts, idle, loaded = [], [], []

    def one(name: str, url: str, connections: int, headers: dict[str, str], pid: int) -> None:
        before = cpu(pid)
        rate = load(url, connections, seconds, headers)
        figures[name, connections].append(rate)
        spent[name].append((cpu(pid) - before) / (rate * seconds) * 1000)

    for _ in range(COLD_STARTS):
        with running(["server.py"], f"{base}/healthz", environ) as (_, took):
            starts.append(took)
    for _ in range(rounds):
        with running(["tools/bench/hello.py", str(hello_port)], hello, {}) as (pid, _):
            for connections in CONNECTIONS:
                one("bare aiohttp", hello, connections, {}, pid)
        with running(["server.py"], f"{base}/healthz", environ) as (pid, _):
            idle.append(memory(pid))
            for path, sent in paths.items():
                for connections in CONNECTIONS:
                    one(path, f"{base}{path}", connections, sent, pid)
            loaded.append(memory(pid))
    _report(figures, spent, starts, idle, loaded)


def _report(
    figures: dict[tuple[str, int], list[float]],
    spent: dict[str, list[float]],
    starts: list[float],
    idle: list[float],
    loaded: list[float],
) -> None:
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, SQLite, one process\n")
    print(f"- cold start to the first 200, existing keys: {statistics.median(starts):.2f} s")
    print(f"- resident memory: idle {max(idle):.0f} MiB, after the load {max(loaded):.0f} MiB\n")
    print("| what | connections | requests/s | of bare aiohttp | CPU ms per request |")
    print("|---|---|---|---|---|")
    for (name, connections), rates in figures.items():
        ratio = statistics.median(
            rate / bare
            for rate, bare in zip(rates, figures["bare aiohttp", connections], strict=True)
        )
        rate, cost = statistics.median(rates), statistics.median(spent[name])
        print(f"| `{name}` | {connections} | {rate:.0f} | {ratio:.2f} | {cost:.2f} |")


if __name__ == "__main__":
    main()
