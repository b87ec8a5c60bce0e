"""What commands print: text or one JSON document as the result, notes beside it."""

import json
from datetime import datetime
from typing import Annotated

import typer

from dhq_auth.clock import rfc3339
from dhq_auth.logs import escaped

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def print_json(document: object) -> None:
    """Print *document* on standard output; times are written as in RFC 3339."""
    typer.echo(json.dumps(document, indent=2, default=_in_json))


def note(text: str) -> None:
    """Tell the operator something beside the result."""
    typer.echo(escaped(text), err=True)


def _in_json(value: object) -> str:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(type(value).__name__)
