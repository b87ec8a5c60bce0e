"""`dhq-auth keys rotate` in processes that begin at the same moment: `rotate.py COUNT [SECONDS …]`.

Each is a fork of one that has loaded the program. The first are killed, each after its SECONDS. Prints what each has said, a line each.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

from typer.testing import CliRunner

from dhq_auth.cli.program import program


def rotated() -> str:
    """Return what the command says, or how it failed."""
    ended = CliRunner().invoke(program, ["keys", "rotate", "--json"])
    said = ended.stdout if ended.exit_code == 0 else repr(ended.exception or ended.stderr)
    return " ".join(said.split())


def forked(work: Callable[[], str]) -> tuple[int, int]:
    """Start *work* in a process of its own; return its id and where its answer is read."""
    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        return child, reader
    os.write(writer, f"{work()}\n".encode())
    os._exit(0)


def main() -> None:
    CliRunner().invoke(program, ["keys", "list"])  # all that is loaded for it is, once for all
    children = [forked(rotated) for _ in range(int(sys.argv[1]))]
    began = time.monotonic()
    for (child, _), seconds in zip(children, sys.argv[2:], strict=False):
        time.sleep(max(0.0, began + float(seconds) - time.monotonic()))
        os.kill(child, signal.SIGKILL)
    for child, reader in children:
        with open(reader, encoding="utf-8") as answer:  # noqa: PTH123 - a descriptor
            sys.stdout.write(answer.read())
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
