"""`dhq-auth healthcheck`: for containers and supervisors; starts fast, for it is run often."""

import json
import os
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from typing import Annotated, Final

import typer

from dhq_auth.cli.outcome import REFUSED
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.settings import Settings, SettingsError, from_environ

WHAT_IT_SAYS: Final = {"status": "OK"}
LONGEST_ANSWER: Final = 4096

app = typer.Typer(add_completion=False)


@app.command()
def healthcheck(
    *,
    ready: Annotated[
        bool, typer.Option("--ready", help="Ask /readyz: are database and keys there, too?")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, max=300, help="Seconds to wait.")] = 3.0,
    as_json: Json = False,
) -> None:
    """Ask the service at HOST and PORT whether it is alive: exit code 0, or else 1.

    Restart what is not alive; only send no requests to what is not ready.
    """
    path = "/readyz" if ready else "/healthz"
    try:
        # Nothing but these two is read: the rest takes time, and is not in question.
        own = {name: os.environ.get(name, "") for name in ("HOST", "PORT")}
        host, port = place(from_environ(own))
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"
        fault = _fault(host, port, path, timeout)
    except SettingsError as error:
        url, fault = None, "; ".join(error.faults)
    if as_json:
        print_json({"ok": fault is None, "url": url, "fault": fault})
    elif fault is None:
        typer.echo(f"{url}: OK")
    if fault is not None:
        note(f"{url}: {fault}" if url else fault)
        # Never 2: container engines keep that code to themselves.
        raise typer.Exit(REFUSED)


def place(settings: Settings) -> tuple[str, int]:
    """Return the host and port at which the service can be reached from this machine.

    Raises SettingsError for PORT=0, which is a port that only the service itself knows.
    """
    if settings.port == 0:
        raise SettingsError(["PORT: 0 is any free port, which nobody else can know"])
    try:
        address = ip_address(settings.host)
    except ValueError:
        return settings.host, settings.port
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1", settings.port
    return settings.host, settings.port


def _fault(host: str, port: int, path: str, timeout: float) -> str | None:
    """Return what is wrong with the answer, or None if nothing is."""
    connection = HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        if answer.status != 200:
            return f"answered {answer.status}"
        if json.loads(answer.read(LONGEST_ANSWER)) != WHAT_IT_SAYS:
            return "something else than dhq-auth answers there"
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        return f"no answer ({str(error) or type(error).__name__})"
    finally:
        connection.close()
    return None
