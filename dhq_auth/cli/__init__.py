"""The operator's commands: `dhq-auth COMMAND`, on the database, without a running server.

A command prints its result on standard output, as text or with `--json` as one JSON document, and
all else on standard error. It ends with 0: done; 1: refused; 2: wrong usage, or settings that
cannot be used; 130: Ctrl-C.
"""

import io
import os
import sys
from collections.abc import Mapping
from typing import Final

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "serve": ("dhq_auth.cli.serve", "Run the service."),
    "setup": ("dhq_auth.cli.setup", "Make the first administrator, once."),
    "doctor": ("dhq_auth.cli.doctor", "Look for what is wrong, and say what to do."),
    "healthcheck": ("dhq_auth.cli.healthcheck", "Ask the running service whether it is well."),
    "config": ("dhq_auth.cli.config", "The settings: show them, check them."),
    "user": ("dhq_auth.cli.user", "Users: add, list, change, disable, delete, import."),
    "create-user": ("dhq_auth.cli.user:create_user", "The same as `user add`."),
    "token": ("dhq_auth.cli.token", "API tokens of users: make, list, revoke."),
    "session": ("dhq_auth.cli.session", "Sessions of users: list them, end them."),
    "policy": ("dhq_auth.cli.policy", "Policies: who may do what with which rows, and why."),
    "keys": ("dhq_auth.cli.keys", "Signing keys: generate, list, rotate, revoke."),
    "db": ("dhq_auth.cli.db", "The database: bring it up to date, or say what that would do."),
    "webhook": ("dhq_auth.cli.webhook", "What is to be delivered: list it, try it again."),
    "prune": ("dhq_auth.cli.prune", "Forget what is over."),
    "audit": ("dhq_auth.cli.audit", "The audit log."),
}
"""Each command with its module, imported when it is called, and with what it is for.

The program is `app` of the module, unless another name stands behind a colon.
"""


def main() -> None:
    """Run the command that the arguments of this process name."""
    if sys.argv[1:] == ["serve"]:  # what reads options would stay in memory: five MiB
        from dhq_auth.serving import serve  # noqa: PLC0415

        sys.exit(serve(os.environ))
    from dhq_auth import logs  # noqa: PLC0415 - who only wants the table needs none of it
    from dhq_auth.cli.program import program  # noqa: PLC0415

    # What commands find they say themselves; `serve` logs as the settings want it.
    logs.configure("critical")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack our letters
    program()
