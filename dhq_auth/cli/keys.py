"""`dhq-auth keys`: what tokens are signed with."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

import typer

from dhq_auth.cli.known_keys import GIVEN, KnownKey, known_keys
from dhq_auth.cli.opened import opened, working
from dhq_auth.cli.outcome import Refused
from dhq_auth.cli.output import Json, note, print_json
from dhq_auth.cli.table import print_table
from dhq_auth.clock import rfc3339, utcnow
from dhq_auth.settings import Settings, from_environ
from dhq_auth.tokens.keeper import KeyKeeper
from dhq_auth.tokens.key import KEY_BITS, SigningKey, new_private_key, private_pem, public_pem
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.rotation import Revoked, Rotation
from dhq_auth.tokens.states import KeyState, in_use, is_supplanted
from dhq_auth.tokens.store import KeyPurpose, StoredKey, stored_given_keys
from dhq_auth.tokens.wrapping import wrapping_of
from dhq_auth.work import Work

READ_ONCE: Final = (
    "Services that have read /auth/public-key once and kept it refuse what the new key signs: "
    "start them again once it signs. Those that follow /.well-known/jwks.json notice nothing."
)
_GIVEN_SIGNS: Final = (
    f"the service key is that of {GIVEN}: put a new one (`dhq-auth keys generate`) behind the old "
    "one and start every process, and after 10 minutes put it first and start them again"
)

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def keys() -> None:
    """Make signing keys, see which are in use, and let them turn over."""


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
    private, public = private_pem(key), public_pem(key.public_key())
    if as_json:
        kid = SigningKey.of(key, KeyPurpose.SERVICE).kid
        print_json({"kid": kid, "bits": bits, "private_key": private, "public_key": public})
        return
    for name, pem in (("PRIVATE_KEY", private), ("PUBLIC_KEY", public)):
        line = pem.replace("\n", "\\n")
        typer.echo(f"{name}='{line}'")


@app.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """List the keys: which are announced, which sign, and which retire.

    `since` is when a key came into its state, `until` when it leaves it: an announced one signs
    then, a signing one gives way to an announced one, a retiring one is deleted.
    """
    found = asyncio.run(_known(from_environ()))
    items = [_described(key) for key in found]
    if as_json:
        print_json({"items": items})
    else:
        columns = ("kid", "purpose", "state", "since", "until", "source", "created_at", "bits")
        rows = [[item[column] for column in columns] for item in items]
        print_table((*columns[:5], "from", "created", "bits"), rows)
    for fault in dict.fromkeys(key.fault for key in found if key.fault):
        note(f"warning: {fault}")


@app.command()
def rotate(
    purpose: Annotated[
        KeyPurpose, typer.Argument(help="Which tokens it is to sign.")
    ] = KeyPurpose.SERVICE,
    *,
    as_json: Json = False,
) -> None:
    """Announce a new key, which signs when everybody who fetches keys has it.

    Where one is announced already, it is that. Tokens of the key that signs now stay good until
    they expire.
    """
    key = asyncio.run(_rotate(from_environ(), purpose))
    if as_json:
        told = {"kid": key.kid, "purpose": key.purpose.value, "signs_from": key.begins}
        print_json(told)
    else:
        typer.echo(f"{key.kid} signs {key.purpose} tokens from {rfc3339(key.begins)} on")
    if purpose is KeyPurpose.SERVICE:
        note(READ_ONCE)


# One kid in 64 begins with a hyphen: here no letter behind one is an option.
@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
def revoke(
    kid: Annotated[str, typer.Argument(help="Which key; see `keys list`.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a key that others may have; what it has signed is refused from now on.

    If it is the one that signs, a new one does so at once.
    """
    settings = from_environ()
    key = asyncio.run(_found(settings, kid))
    note(_consequence(key))
    if not yes:
        if not sys.stdin.isatty():
            raise Refused("nothing was revoked: say --yes, since nobody can be asked here")
        typer.confirm("Revoke it?", abort=True, err=True)
    revoked = asyncio.run(_revoke(settings, kid))
    if as_json:
        told = {"kid": kid, "purpose": revoked.purpose.value, "successor": revoked.successor}
        print_json(told)
    else:
        typer.echo(f"revoked: {kid}")
        if revoked.successor:
            typer.echo(f"{revoked.successor} signs {revoked.purpose} tokens from now on")


async def _known(settings: Settings) -> list[KnownKey]:
    async with opened(settings) as database:
        return await known_keys(database, settings, utcnow())


async def _found(settings: Settings, kid: str) -> KnownKey:
    key = next((key for key in await _known(settings) if key.kid == kid), None)
    if key is None:
        raise Refused(f"there is no key {kid!r}; see `dhq-auth keys list`")
    if key.source == GIVEN:
        raise Refused(
            f"{kid} is a key of {GIVEN}: give another one there (`dhq-auth keys generate`), start "
            "every process with it, and then revoke this one"
        )
    return key


async def _rotate(settings: Settings, purpose: KeyPurpose) -> StoredKey:
    if is_supplanted(purpose, settings):
        raise Refused(_GIVEN_SIGNS)
    async with _rotation(settings) as (work, rotation):
        async with work.read() as db:
            given = await stored_given_keys(db)
        if purpose is KeyPurpose.SERVICE and any(in_use(key, work.now()) for key in given):
            raise Refused(
                f"processes of this service have {GIVEN}, which is not set here: {_GIVEN_SIGNS}"
            )
        key = await rotation.announce(purpose)
    if key is None:
        raise AssertionError("without a condition a key is announced")
    return key


async def _revoke(settings: Settings, kid: str) -> Revoked:
    async with _rotation(settings) as (_, rotation):
        return await rotation.revoke(kid)


@asynccontextmanager
async def _rotation(settings: Settings) -> AsyncIterator[tuple[Work, Rotation]]:
    """Give what changes keys; raises KeysUnusable where SECRET_KEY is not that of the service."""
    async with working(settings) as work:
        await KeyKeeper(work, settings, Keyring()).load()
        yield work, Rotation(work, settings, wrapping_of(work.database, settings))


def _consequence(key: KnownKey) -> str:
    if key.standing.state is KeyState.ANNOUNCED:
        return f"{key.kid} is announced and has signed nothing: no token is lost."
    what = f"{key.kid} is {key.standing.state}: the {key.purpose} tokens that it signed are refused"
    if key.purpose is KeyPurpose.LOGIN:
        return f"{what}; who holds one logs in again. Browser sessions go on."
    return f"{what}, and applications fetch new ones. {READ_ONCE}"


def _described(key: KnownKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "purpose": key.purpose.value,
        "state": key.standing.state.value,
        "since": key.standing.since,
        "until": key.standing.until,
        "source": key.source,
        "created_at": key.created_at,
        "bits": key.opened.jwk.raw_value.key_size if key.opened else None,
    }
