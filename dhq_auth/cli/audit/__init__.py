"""`dhq-auth audit`: what was remembered of logins and changes, and that nobody has touched it."""

import typer

from dhq_auth.cli.audit.export import export
from dhq_auth.cli.audit.look import list_events
from dhq_auth.cli.audit.verify import verify

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def audit() -> None:
    """Read the audit log: every login, refusal and change, written with the change itself.

    Its rows are sealed into a chain, in which none can be changed or removed without notice.
    """


app.command("list")(list_events)
app.command()(verify)
app.command()(export)
