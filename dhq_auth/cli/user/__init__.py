"""`dhq-auth user`: accounts, for the operator."""

import typer

from dhq_auth.cli.user.add import add
from dhq_auth.cli.user.bulk import import_users
from dhq_auth.cli.user.change import delete, disable, enable, set_admin, set_password
from dhq_auth.cli.user.link import link
from dhq_auth.cli.user.look import list_users, show

app = typer.Typer(no_args_is_help=True, add_completion=False)
create_user = typer.Typer(add_completion=False)


@app.callback()
def user() -> None:
    """Add, list, change and delete users.

    USER is an id, a username or an email. Every change is in the audit log, and extensions hear of
    it.
    """


app.command()(add)
app.command("list")(list_users)
app.command()(show)
app.command()(set_password)
app.command()(set_admin)
app.command()(disable)
app.command()(enable)
app.command()(delete)
app.command("import")(import_users)
app.command()(link)
create_user.command()(add)
