"""The setup code: what proves, from another machine, that one may make the first administrator.

Every worker and replica of one database has the same, and no other database. With the setup done it
opens nothing.
"""

import hmac
from typing import Final

from dhq_auth.administration.setup_file import code_file, remove_code, write_code
from dhq_auth.administration.store import setup_is_done
from dhq_auth.settings import Settings
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.work import Work

PURPOSE: Final = "dhq-auth setup code"


def setup_code(keyring: Keyring) -> str:
    """Return the code of the database that *keyring* is of."""
    return keyring.secret_of(PURPOSE)


def is_setup_code(keyring: Keyring, code: str) -> bool:
    """Whether *code* is the setup code; takes the same time however wrong it is."""
    return hmac.compare_digest(setup_code(keyring).encode(), code.encode(errors="surrogatepass"))


async def publish(work: Work, settings: Settings, keyring: Keyring) -> None:
    """Write the code to its file, as long as the setup can be done; else see that none is there."""
    path = code_file(settings)
    async with work.read() as db:
        done = await setup_is_done(db)
    if done or not settings.password_login:
        remove_code(path)
    else:
        write_code(path, setup_code(keyring))
