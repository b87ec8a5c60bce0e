"""The program: finds the command, and turns what cannot be done into lines and an exit code."""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from dhq_auth.cli import COMMANDS
from dhq_auth.cli.outcome import explained


def load(name: str) -> Any:
    """Import the command *name* and return it."""
    place, _ = COMMANDS[name]
    module, _, program = place.partition(":")
    return typer.main.get_command(getattr(import_module(module), program or "app"))


class Program(TyperGroup):
    """A group that knows its commands by name, and imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        names = {name: TyperCommand(name, help=about) for name, (_, about) in COMMANDS.items()}
        super().__init__(**{**attributes, "commands": names})

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that *args* begin with, and what is left of them."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; say in a line each what the operator can set right."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if (said := explained(error)) is None:
                raise
            code, lines = said
            for line in lines:
                typer.echo(line, err=True)
            raise typer.Exit(code) from error


program = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - how options call
    if wanted:
        typer.echo(version("dhq-auth"))
        raise typer.Exit


@program.callback()
def describe(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """dhq-auth, a self-hosted identity service, set up by environment variables alone."""
