"""FILE, as commands take one."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, BinaryIO, TypeVar

import typer

from dhq_auth.cli.outcome import Refused
from dhq_auth.policies.document import MAX_BYTES, FaultyDocument, drafts_in, parsed_document
from dhq_auth.policies.draft import Draft

T = TypeVar("T")

PolicyFile = Annotated[
    typer.FileBinaryRead,
    typer.Argument(metavar="FILE", help="Policies in TOML or JSON; - is stdin."),
]


def read(file: BinaryIO, understand: Callable[[Mapping[str, Any]], T]) -> T:
    """Return what *understand* makes of *file*; raises Refused, which names every fault."""
    name = getattr(file, "name", "-")
    name = name if isinstance(name, str) else "-"
    try:
        return understand(parsed_document(file.read(MAX_BYTES + 1), name))
    except FaultyDocument as error:
        raise Refused(str(error)) from None


def drafts(file: BinaryIO) -> list[Draft]:
    """Return the policies in *file*; raises Refused."""
    return read(file, drafts_in)
