"""`dhq-auth keys`: what tokens are signed with."""

import asyncio
from typing import Annotated, Any

import typer

from dhq_auth.cli.known_keys import KnownKey, known_keys
from dhq_auth.cli.opened import opened
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.settings import Settings, from_environ
from dhq_auth.tokens.keyring import KEY_BITS, SigningKey, new_private_key, private_pem, public_pem
from dhq_auth.tokens.store import KeyPurpose

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def keys() -> None:
    """Make signing keys, and see which are in use."""


@app.command()
def generate(
    *,
    bits: Annotated[int, typer.Option(min=KEY_BITS, max=16384, help="How long.")] = KEY_BITS,
    as_json: Json = False,
) -> None:
    """Print a new pair, PRIVATE_KEY and PUBLIC_KEY, a line each, for an environment file.

    Nothing is stored. Without PRIVATE_KEY the service makes a pair by itself, once, and keeps it in
    the database.
    """
    key = new_private_key(bits)
    private, public = private_pem(key), public_pem(key)
    if as_json:
        kid = SigningKey.of(key, KeyPurpose.SERVICE).kid
        print_json({"kid": kid, "bits": bits, "private_key": private, "public_key": public})
        return
    for name, pem in (("PRIVATE_KEY", private), ("PUBLIC_KEY", public)):
        line = pem.replace("\n", "\\n")
        typer.echo(f"{name}='{line}'")


@app.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """List the keys: which sign, and which only verify what they have signed before."""
    found = asyncio.run(_known(from_environ()))
    signing: dict[KeyPurpose, str] = {}
    items = []
    for key in found:
        signs = signing.setdefault(key.purpose, key.kid) == key.kid
        items.append(_described(key, "signing" if signs else "verifying"))
    if as_json:
        print_json({"items": items})
    else:
        columns = ("kid", "purpose", "state", "source", "created_at", "bits")
        rows = [[item[column] for column in columns] for item in items]
        print_table(("kid", "purpose", "state", "from", "created", "bits"), rows)
    for fault in dict.fromkeys(key.fault for key in found if key.fault):
        note(f"warning: {fault}")


async def _known(settings: Settings) -> list[KnownKey]:
    async with opened(settings) as database:
        return await known_keys(database, settings)


def _described(key: KnownKey, state: str) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "purpose": key.purpose.value,
        "state": state,
        "source": key.source,
        "created_at": key.created_at,
        "bits": key.opened.jwk.raw_value.key_size if key.opened else None,
    }
