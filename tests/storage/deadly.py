"""An extension that takes the process with it when it hears of what it was told to wait for."""

import os
import signal
from collections.abc import Mapping

from dhq_auth import Event, hookimpl

AWAITED: set[str] = set()


def configure(options: Mapping[str, str]) -> None:
    """Wait for the events of the kind `kind`."""
    AWAITED.add(options["kind"])


@hookimpl
def on_event(event: Event) -> None:
    """Die at once, after the commit and before anybody is answered."""
    if event.kind in AWAITED:
        os.kill(os.getpid(), signal.SIGKILL)
