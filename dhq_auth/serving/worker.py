"""What a supervisor starts: `python -m dhq_auth.serving.worker APPLICATION LIFELINE SOCKET…`."""

import socket
import sys
from collections.abc import Sequence

from dhq_auth import logs
from dhq_auth.serving.run import load, run
from dhq_auth.serving.serve import exit_code
from dhq_auth.settings import from_environ


def main(application: str, files: Sequence[int]) -> int:
    """Serve *application* on the sockets that *files* name, after the lifeline; return the code."""
    settings = from_environ()
    logs.configure(settings.log_level, settings.log_format)
    lifeline, *sockets = (socket.socket(fileno=file) for file in files)
    return run(settings, load(application), sockets=sockets, lifeline=lifeline)


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1], [*map(int, sys.argv[2:])])))
