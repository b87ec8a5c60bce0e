"""Serve an application of the tests: `python -m tests.serving.launch FACTORY`."""

import os
import sys

from dhq_auth import logs
from dhq_auth.serving import serve
from dhq_auth.serving.serve import exit_code
from dhq_auth.serving.supervisor import Patience, supervise
from dhq_auth.settings import from_environ


def supervise_impatiently(application: str) -> int:
    """Supervise with a patience that a test can wait for."""
    settings = from_environ()
    logs.configure(settings.log_level, settings.log_format)
    return supervise(settings, os.environ, application, Patience(starts=3, delay=0.01))


if __name__ == "__main__":
    name = f"tests.serving.application:{sys.argv[1]}"
    if sys.argv[1] == "serve_once":
        sys.exit(exit_code(lambda: supervise_impatiently(name)))
    sys.exit(serve(os.environ, name))
