"""`make bench`: cold start, memory, and requests per second as ratios to a bare aiohttp server.

Beside them, what 20 logins with wrong passwords do to everybody else: a ratio of response times.

Servers run one at a time, rounds interleaved (A B C, A B C, …), so that a machine that changes its
mind changes it for all. The load comes from `wrk`. Figures depend on the machine, ratios less so.
"""

import argparse
import asyncio
import http.client
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
import threading
import time
import urllib.request
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
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
NAME, PASSWORD = "bench", "seven purple rivers sing"
GUESSERS = 20
IDLE_PROBES = 1000

Headers = dict[str, str]


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


def load(url: str, connections: int, seconds: int, headers: Headers) -> float:
    """Return the requests per second that `wrk` got answered with 200."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"{url} refused: {output}")
    match = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    return float(match[1]) if match else float("nan")


def basic(name: str, password: str) -> Headers:
    """Return the header of name and password (RFC 7617)."""
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def probe(port: int, times: int | None, until: threading.Event) -> list[float]:
    """Return the seconds that each `/healthz` takes: so many, or as many as fit in *until* is set."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    took: list[float] = []
    while len(took) < times if times else not until.is_set():
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()
    return took


def guess(port: int, name: str) -> None:
    """Try one wrong password."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    connection.request("GET", "/auth/token-info", headers=basic(name, "not " + PASSWORD))
    answer = connection.getresponse()
    answer.read()
    if answer.status != 401:
        raise SystemExit(f"a wrong password was answered by {answer.status}")
    connection.close()


def guessing(port: int) -> tuple[float, float]:
    """Return the median seconds of `/healthz`, idle and while GUESSERS try wrong passwords at once."""
    over = threading.Event()
    idle = probe(port, IDLE_PROBES, over)
    with ThreadPoolExecutor(GUESSERS + 1) as threads:
        probing = threads.submit(probe, port, None, over)
        try:
            for guessed in [threads.submit(guess, port, f"nobody{i}") for i in range(GUESSERS)]:
                guessed.result()
        finally:
            over.set()
        return statistics.median(idle), statistics.median(probing.result())


async def log_in(base: str, issuer: OidcIssuer) -> str:
    """Log in once, the ordinary way, and return the login token."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        url = f"{base}/auth/login/bench?next=http://localhost:3000"
        for _ in range(3):
            async with browser.get(URL(url, encoded=True), allow_redirects=False) as answer:
                url = answer.headers["Location"]
        return parse_qs(urlsplit(url).query)["jwt"][0]


async def register(base: str) -> str:
    """Make an account with a password, and return an API token of it."""
    account = {"username": NAME, "password": PASSWORD}
    async with ClientSession(base) as client:
        async with client.post("/auth/register", json=account) as answer:
            answer.raise_for_status()
        async with client.post("/auth/tokens", json=account) as answer:
            answer.raise_for_status()
            return str((await answer.json())["token"])


async def prepare(base: str, environ: dict[str, str]) -> tuple[str, str]:
    """Make the database, the keys and two users; return a login token and an API token."""
    async with OidcIssuer() as issuer:
        issuer.client.redirect_uris.add(f"{base}{LOGIN}")
        provider = {
            "OIDC_PROVIDERS": "bench",
            "OIDC_BENCH_ISSUER": issuer.url,
            "OIDC_BENCH_KEY": issuer.client.id,
            "OIDC_BENCH_SECRET": issuer.client.secret or "",
        }
        with running(["server.py"], f"{base}/healthz", {**environ, **provider}):
            return await log_in(base, issuer), await register(base)


def main() -> None:
    """Measure, and print the figures as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2, help="of load, per figure and round")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing; on Debian: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.rounds, options.seconds)


@dataclass
class Figures:
    """What was measured, a value for each round."""

    rates: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    starts: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    guessed: list[tuple[float, float]] = field(default_factory=list)

    def load(self, name: str, url: str, headers: Headers, pid: int, seconds: int) -> None:
        """Measure the process *pid* under a load of *url*."""
        for connections in CONNECTIONS:
            before = cpu(pid)
            rate = load(url, connections, seconds, headers)
            self.rates[name, connections].append(rate)
            self.spent[name].append((cpu(pid) - before) / (rate * seconds) * 1000)

    def report(self) -> None:
        """Print all of it as Markdown."""
        start = statistics.median(self.starts)
        idle, busy = (statistics.median(each) * 1000 for each in zip(*self.guessed, strict=True))
        ratio = statistics.median(busy / idle for idle, busy in self.guessed)
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores, SQLite, one process\n")
        print(f"- cold start to the first 200, existing keys: {start:.2f} s")
        resident = f"idle {max(self.idle):.0f} MiB, after the load {max(self.loaded):.0f} MiB"
        print(f"- resident memory: {resident}")
        print(
            f"- median of /healthz: idle {idle:.2f} ms, while {GUESSERS} logins with wrong "
            f"passwords run {busy:.2f} ms: {ratio:.1f} times as long (the goal is 3)\n"
        )
        print("| what | connections | requests/s | of bare aiohttp | CPU ms per request |")
        print("|---|---|---|---|---|")
        for (name, connections), rates in self.rates.items():
            bare = self.rates["bare aiohttp", connections]
            share = statistics.median(rate / of for rate, of in zip(rates, bare, strict=True))
            rate, cost = statistics.median(rates), statistics.median(self.spent[name])
            print(f"| {name} | {connections} | {rate:.0f} | {share:.2f} | {cost:.2f} |")


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
        "ALLOWED_SERVICES": "bench:static;notes:policies",
        "PROVIDER_BENCH_FILE": str(permissions),
        "PASSWORD_CHECKS": "1000",
        "LOG_LEVEL": "warning",
    }
    login_token, api_token = asyncio.run(prepare(base, environ))
    token = {"Auth-Token": login_token}
    what: dict[str, tuple[str, Headers]] = {
        "`/auth/check`, login token": ("/auth/check", token),
        "`/auth/check`, API token": ("/auth/check", {"Auth-Token": api_token}),
        "`/auth/check`, Basic": ("/auth/check", basic(NAME, PASSWORD)),
        "`/auth/authorize`": ("/auth/authorize?service=bench", token),
        "`/auth/authorize`, policies": ("/auth/authorize?service=notes", token),
        "`/auth/public-key`": ("/auth/public-key", {}),
    }
    figures = Figures()
    for _ in range(COLD_STARTS):
        with running(["server.py"], f"{base}/healthz", environ) as (_, took):
            figures.starts.append(took)
    for _ in range(rounds):
        with running(["tools/bench/hello.py", str(hello_port)], hello, {}) as (pid, _):
            figures.load("bare aiohttp", hello, {}, pid, seconds)
        with running(["server.py"], f"{base}/healthz", environ) as (pid, _):
            figures.idle.append(memory(pid))
            for name, (path, headers) in what.items():
                figures.load(name, f"{base}{path}", headers, pid, seconds)
            figures.loaded.append(memory(pid))
            figures.guessed.append(guessing(port))
    figures.report()


if __name__ == "__main__":
    main()
