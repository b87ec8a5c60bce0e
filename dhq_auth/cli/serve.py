"""`dhq-auth serve`: what `python server.py` does."""

import os
from typing import Annotated

import typer

from dhq_auth.serving import serve

app = typer.Typer(add_completion=False)


@app.command()
def run(
    summary: Annotated[
        bool | None,
        typer.Option(
            help="Say what is on and what is off. Default: on a terminal.", show_default=False
        ),
    ] = None,
) -> None:
    """Run the service until SIGTERM or Ctrl-C.

    It listens on HOST and PORT with WORKERS processes, and logs to standard error. A second signal
    ends it at once.
    """
    raise typer.Exit(serve(os.environ, summary=summary))
