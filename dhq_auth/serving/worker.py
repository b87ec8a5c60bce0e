"""What a supervisor starts: `…worker APPLICATION NUMBERS PLACE LIFELINE SOCKET…`.

NUMBERS is the folder in which the workers keep their metrics, or empty; PLACE is ours in it.
"""

import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from dhq_auth import logs, tracing
from dhq_auth.metrics import shared
from dhq_auth.serving import loading
from dhq_auth.serving.serve import exit_code
from dhq_auth.settings import from_environ

_log = logging.getLogger("dhq_auth.serving")


def main(application: str, numbers: str, place: str, files: Sequence[int]) -> int:
    """Serve *application* on the sockets that *files* name, after the lifeline; return the code."""
    settings = from_environ()
    logs.configure(settings.log_level, settings.log_format)
    tracing.configure(os.environ)
    if numbers and not shared.take(shared.Place(Path(numbers), place)):
        _log.warning("no room in %s: this worker tells its own metrics alone", numbers)
    lifeline, *sockets = (socket.socket(fileno=file) for file in files)
    parent = os.getppid()
    try:
        with loading.for_good():
            from dhq_auth.serving.run import load, run  # noqa: PLC0415 - most of what is loaded

            factory = load(application)
        return run(settings, factory, sockets=sockets, lifeline=lifeline)
    finally:
        if numbers and os.getppid() != parent:  # he is gone, who would have done it
            shared.remove(Path(numbers))


if __name__ == "__main__":
    sys.exit(
        exit_code(lambda: main(sys.argv[1], sys.argv[2], sys.argv[3], [*map(int, sys.argv[4:])]))
    )
