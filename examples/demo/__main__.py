"""`python -m examples.demo`: the issuer, the application and dhq-auth, until Ctrl-C."""

import argparse
import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

from examples.demo.application import SERVICE, create_application
from examples.demo.issuer import CLIENT_ID, create_issuer
from examples.demo.loopback import is_free, serve

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DATA = ROOT / "data" / "demo"
HOST = "127.0.0.1"
PORTS = (
    ("--port", "dhq-auth", 8000),
    ("--application-port", "the demo application", 3000),
    ("--issuer-port", "the demo issuer", 9000),
)
START_WITHIN = 30
STOP_WITHIN = 10
WELCOME = """
  The demo is running. Ctrl-C ends it.

    1. Open {application}
    2. Sign in, as whoever you like
    3. See who you are, what you may do, and the token that says so

  dhq-auth    {auth}   its data: {data}
  the issuer  {issuer}   stands in for Google, and proves nothing

"""


class Failed(Exception):
    """dhq-auth ended by itself, or did not get ready in time."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    port: int
    application_port: int
    issuer_port: int
    data: Path

    @property
    def addresses(self) -> dict[str, str]:
        """Where browsers reach the three programs."""
        return {
            "auth": f"http://localhost:{self.port}",
            "application": f"http://localhost:{self.application_port}",
            "issuer": f"http://localhost:{self.issuer_port}",
        }

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return all that dhq-auth is told; settings in *environ* are for another than the demo."""
        inherited = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TERM")
        return {name: environ[name] for name in inherited if name in environ} | {
            "EXTERNAL_ADDRESS": self.addresses["auth"],
            "HOST": HOST,
            "PORT": str(self.port),
            "DATABASE_URL": f"sqlite:///{self.data.resolve()}/dhq-auth.db",
            "ALLOWED_REDIRECTS": self.addresses["application"],
            "OIDC_PROVIDERS": "demo",
            "OIDC_DEMO_ISSUER": self.addresses["issuer"],
            "OIDC_DEMO_KEY": CLIENT_ID,
            "OIDC_DEMO_TITLE": "the demo issuer",
            "ALLOWED_SERVICES": f"{SERVICE}:static",
            f"PROVIDER_{SERVICE.upper()}_FILE": str(HERE / "permissions.toml"),
            "LOG_LEVEL": "warning",
        }


async def until_ready(address: str, server: Process) -> None:
    """Wait for dhq-auth to answer; `Failed` if it ends or takes too long."""
    async with ClientSession(timeout=ClientTimeout(total=2)) as http:
        for _ in range(START_WITHIN * 10):
            if server.returncode is not None:
                raise Failed(f"dhq-auth did not start: it ended with code {server.returncode}.")
            with suppress(ClientError, TimeoutError):
                async with http.get(f"{address}/readyz") as answer:
                    if answer.ok:
                        return
            await asyncio.sleep(0.1)
    raise Failed(f"dhq-auth was not ready within {START_WITHIN} seconds.")


async def stop(server: Process) -> None:
    """Let dhq-auth finish its requests, but not for ever, nor if we are asked twice."""
    try:
        if server.returncode is None:
            server.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait(), STOP_WITHIN)
    finally:
        if server.returncode is None:
            server.kill()


async def run(options: Options) -> None:
    """Start the three and tell where to click; stop them when cancelled."""
    at = options.addresses
    issuer = create_issuer(at["issuer"], f"{at['auth']}/auth/oauth_callback")
    application = create_application(at["application"], at["auth"])
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with AsyncExitStack() as running:
        for app, port in ((issuer, options.issuer_port), (application, options.application_port)):
            running.push_async_callback((await serve(app, HOST, port)).cleanup)
        server = await asyncio.create_subprocess_exec(
            sys.executable,
            "server.py",
            cwd=ROOT,
            env=options.environment(os.environ),
            stdin=DEVNULL,
            start_new_session=True,  # Ctrl-C is for us alone; `stop` passes it on, once.
        )
        running.push_async_callback(stop, server)
        await until_ready(at["auth"], server)
        sys.stdout.write(WELCOME.format(data=options.data, **at))
        sys.stdout.flush()
        raise Failed(f"dhq-auth ended with code {await server.wait()}.")


async def until_asked_to_end(options: Options) -> None:
    """Run until Ctrl-C, or until the terminal or a supervisor says so."""
    demo = asyncio.ensure_future(run(options))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, demo.cancel)
    with suppress(asyncio.CancelledError):
        await demo


def port_number(text: str) -> int:
    """Read a port; ValueError unless it is one that can be asked for by name."""
    if not 0 < (port := int(text)) < 65536:
        raise ValueError(text)
    return port


def main() -> int:
    """Read the ports, refuse those that are taken, and run."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.demo",
        description="Sign in, get a token, see what it permits: all on this machine.",
    )
    for flag, whose, default in PORTS:
        parser.add_argument(
            flag, type=port_number, default=default, help=f"{whose} (default: {default})"
        )
    parser.add_argument(
        "--data", type=Path, default=DATA, help="where dhq-auth keeps its data (default: data/demo)"
    )
    options = Options(**vars(parser.parse_args()))
    for flag, whose, _ in PORTS:
        port = getattr(options, flag.strip("-").replace("-", "_"))
        if not is_free(port):
            parser.error(f"port {port} of {whose} is in use; choose another with {flag}")
    try:
        asyncio.run(until_asked_to_end(options))
    except (Failed, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
