"""From the environment to a running service."""

import logging
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Final

from dhq_auth import logs, tracing
from dhq_auth.errors import StartRefused
from dhq_auth.serving import loading
from dhq_auth.serving.sockets import Greeting, ListenError
from dhq_auth.serving.summary import setup_of, summary_of
from dhq_auth.settings import Settings, SettingsError, from_environ

APPLICATION: Final = "dhq_auth.app:create_app"

_log = logging.getLogger("dhq_auth.serving")


def serve(
    environ: Mapping[str, str], application: str = APPLICATION, *, summary: bool | None = None
) -> int:
    """Serve as *environ* says until told to stop; return the exit code.

    0: stopped in good order; 1: cannot start, or failed; 2: the settings cannot be used.
    *application* names, as `module:function`, what makes the application from the settings. With
    *summary* we say on standard output what is on and what is off, once we listen; None means: if
    that is a terminal.
    """
    return exit_code(lambda: _serve(environ, application, summary))


def exit_code(call: Callable[[], int]) -> int:
    """Return what *call* returns; tell the operator in a line each what he can set right."""
    try:
        return call()
    except SettingsError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        return 2
    except (ListenError, StartRefused) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:  # before anybody could heed it
        return 128 + signal.SIGINT


def _serve(environ: Mapping[str, str], application: str, summary: bool | None) -> int:  # noqa: FBT001
    settings = from_environ(environ)
    logs.configure(settings.log_level, settings.log_format)
    for warning in settings.warnings:
        _log.warning("%s", warning)
    greets = sys.stdout.isatty() if summary is None else summary

    def greeting() -> str:
        # Once we serve: only then it is known whether there is an administrator.
        return summary_of(settings, setup_of(settings)) if greets else ""

    run = _run if settings.workers == 1 else _supervise
    return run(settings, environ, application, greeting)


# Imported when needed: a supervisor needs no HTTP, and settings at fault need neither.


def _run(
    settings: Settings, environ: Mapping[str, str], application: str, greeting: Greeting
) -> int:
    tracing.configure(environ)
    with loading.for_good():
        from dhq_auth.serving.run import load, run  # noqa: PLC0415

        factory = load(application)
    return run(settings, factory, greeting=greeting)


def _supervise(
    settings: Settings, environ: Mapping[str, str], application: str, greeting: Greeting
) -> int:
    from dhq_auth.serving.supervisor import supervise  # noqa: PLC0415

    return supervise(settings, environ, application, greeting=greeting)
