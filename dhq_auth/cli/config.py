"""`dhq-auth config`: what the environment came to."""

from collections.abc import Iterator

import typer

from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.settings import Settings, SettingsError, from_environ

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def config() -> None:
    """Look at the settings. They come from the environment alone, and secrets are never shown."""


@app.command()
def show(*, as_json: Json = False) -> None:
    """Show every variable: its value, and where that comes from (default, environment, file)."""
    settings = from_environ()
    rows = list(_values(settings))
    if as_json:
        variables = [
            {"name": name, "value": value, "source": source} for name, value, source in rows
        ]
        print_json({"settings": variables, "warnings": settings.warnings})
        return
    print_table(("variable", "value", "source"), rows)
    _warn(settings.warnings)


@app.command()
def check(*, as_json: Json = False) -> None:
    """Check the settings: exit code 0, or 2 with every fault. Nothing is started or changed."""
    try:
        settings = from_environ()
    except SettingsError as error:
        if as_json:
            print_json({"ok": False, "faults": error.faults, "warnings": error.warnings})
        raise
    if as_json:
        print_json({"ok": True, "faults": [], "warnings": settings.warnings})
        return
    _warn(settings.warnings)
    typer.echo("The settings can be used.")


def _values(settings: Settings) -> Iterator[tuple[str, str | None, str]]:
    """Give name, value and source of each variable; what follows from others is shown, too."""
    followed = {
        "ALLOWED_REDIRECTS": ";".join(map(str, settings.allowed_redirects or ())),
        "ALLOWED_ORIGINS": ";".join(map(str, settings.allowed_origins or ())),
        "SESSION_NAME": settings.session_cookie,
    }
    for reading in settings.readings:
        yield reading.name, reading.value or followed.get(reading.name) or None, reading.source


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        note(f"warning: {warning}")
