"""`dhq-auth user link`: who somebody is for another system."""

import asyncio
from typing import Annotated

import typer

from dhq_auth.accounts.identities import store as identities
from dhq_auth.accounts.identities.store import MAX_SUBJECT
from dhq_auth.accounts.store import User
from dhq_auth.administration.record import record_of
from dhq_auth.cli.named_user import UserName, title_of, user_named
from dhq_auth.cli.opened import transacted
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, print_json
from dhq_auth.errors import Conflict
from dhq_auth.events import IdentityLinked
from dhq_auth.settings import Settings, from_environ
from dhq_auth.work import Transaction


def link(
    user: UserName,
    issuer: Annotated[
        str,
        typer.Argument(help="A name of TRUSTED_ISSUERS or of a login provider, or its address."),
    ],
    subject: Annotated[str, typer.Argument(help="Who the user is there: its `sub`, or `_CLAIM`.")],
    *,
    as_json: Json = False,
) -> None:
    """Let in as this user whom another system, which is trusted here, knows as SUBJECT."""
    if not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise typer.BadParameter(
            f"SUBJECT is a text of up to {MAX_SUBJECT} printable characters", param_hint="SUBJECT"
        )
    settings = from_environ()
    name, address = _issuer(settings, issuer)
    linked = asyncio.run(_linked(settings, user, name, address, subject))
    if as_json:
        identity = {"provider": name, "issuer": address, "subject": subject}
        print_json({**record_of(linked), "linked": identity})
    else:
        typer.echo(f"{title_of(linked)} is {subject} of {address}")


def _issuer(settings: Settings, text: str) -> tuple[str, str]:
    """Return the name and the address of the issuer that *text* names."""
    known = {each.name: each.issuer for each in settings.providers}
    for trusted in settings.trusted_issuers:
        if trusted.local and text in {trusted.name, trusted.identity}:
            raise Refused(
                f"the tokens of {trusted.name} name our own ids (ISSUER_{trusted.name.upper()}"
                "_SUBJECTS is local): there is nothing to link"
            )
        known[trusted.name] = trusted.identity
    for name, address in known.items():
        if text in {name, address}:
            return name, address
    listed = ", ".join(known) or "none"
    raise Refused(f"the issuer {text} is not trusted here; known: {listed}")


async def _linked(settings: Settings, text: str, name: str, address: str, subject: str) -> User:
    async def add(tx: Transaction) -> User:
        user = await user_named(tx.db, text)
        if holder := await identities.user_by_identity(tx.db, address, subject):
            raise Conflict(f"{subject} of {address} is {title_of(holder)} already")
        await identities.add_identity(
            tx.db, user_id=user.id, issuer=address, subject=subject, provider=name, now=tx.now
        )
        tx.emit(IdentityLinked(user_id=user.id, provider=name, issuer=address, how="operator"))
        return user

    return await transacted(settings, add)
