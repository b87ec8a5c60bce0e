"""`dhq-auth policy`: who may do what with which rows, for the operator."""

import typer

from dhq_auth.cli.policy.change import add, delete, update
from dhq_auth.cli.policy.evaluate import evaluate
from dhq_auth.cli.policy.look import list_policies
from dhq_auth.cli.policy.proof import prove
from dhq_auth.cli.policy.rls import rls
from dhq_auth.cli.policy.whole import apply, diff

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def policy() -> None:
    """List, change, explain and test the policies: who may do what with which rows.

    A change is in force at once in a service that runs, and in the audit log.
    """


app.command("list")(list_policies)
app.command()(add)
app.command()(update)
app.command()(delete)
app.command()(evaluate)
app.command("test")(prove)
app.command()(diff)
app.command()(apply)
app.command()(rls)
