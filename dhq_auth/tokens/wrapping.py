"""How private keys and other secrets of ours lie in the database: wrapped by SECRET_KEY."""

import base64
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dhq_auth.db import Database, sqlite_path
from dhq_auth.settings import Settings
from dhq_auth.tokens.errors import KeysUnusable
from dhq_auth.tokens.secret_key_file import secret_key_beside, secret_key_file

_WRAPPED: Final = "fernet:"


class Wrapping:
    """Wraps texts at rest: the first of the secret keys wraps, all unwrap."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._fernets = [Fernet(_fernet_key(key)) for key in secret_keys]

    def wrap(self, text: str) -> str:
        """Return *text* as it may lie in the database."""
        if not self._fernets:
            return text
        return _WRAPPED + self._fernets[0].encrypt(text.encode()).decode()

    @property
    def wraps(self) -> bool:
        """Whether there is a secret key."""
        return bool(self._fernets)

    def unwrap(self, stored: str, what: str) -> str:
        """Return *what* `wrap` was given, or raise KeysUnusable.

        What is not wrapped counts only where nothing is: who can write to the database, but has
        no SECRET_KEY, must not give us keys.
        """
        if not is_wrapped(stored):
            if self._fernets:
                raise KeysUnusable(
                    f"DATABASE_URL: {what} is not wrapped by SECRET_KEY, as all that the service "
                    "writes is: find out who has put it there, and delete the row"
                )
            return stored
        if not self._fernets:
            raise KeysUnusable(
                "SECRET_KEY: is not set, but the keys in the database are wrapped with one; "
                "give it back"
            )
        try:
            return MultiFernet(self._fernets).decrypt(_token(stored)).decode()
        except InvalidToken:
            raise KeysUnusable(
                "SECRET_KEY: does not open the keys in the database; give the key that wrapped "
                "them (for SQLite: the file .secret-key beside the database), behind a new one "
                "if there is one: SECRET_KEY=new;old"
            ) from None

    def rewrapped(self, stored: str) -> str:
        """Return *stored*, which was believed, as `wrap` would do it today; raises KeysUnusable."""
        return self.wrap(self.unwrap(stored, "it") if is_wrapped(stored) else stored)

    def is_current(self, stored: str) -> bool:
        """Whether *stored* is wrapped as `wrap` would do it today."""
        if not self._fernets:
            return True
        try:
            self._fernets[0].decrypt(_token(stored))
        except InvalidToken:
            return False
        return True


def is_wrapped(stored: str) -> bool:
    """Whether *stored* is wrapped, and so authentic once it was unwrapped."""
    return stored.startswith(_WRAPPED)


def wrapping_of(database: Database, settings: Settings, *, make: bool = True) -> Wrapping:
    """Return what wraps stored keys: SECRET_KEY, or for SQLite the key in the file beside it.

    Where SECRET_KEY was set later, the key in the file still unwraps. It is made if it is missing
    and needed, unless *make* says otherwise. Raises KeysUnusable for a file that cannot be used.
    """
    secret_keys = [secret.value for secret in settings.secret_keys or ()]
    path = sqlite_path(database.url)
    if path and (secret_key_file(path).exists() or (make and not secret_keys)):
        secret_keys.append(secret_key_beside(path))
    return Wrapping(secret_keys)


def _token(stored: str) -> bytes:
    return stored.removeprefix(_WRAPPED).encode()


def _fernet_key(secret: str) -> bytes:
    derived = HKDF(SHA256(), 32, salt=None, info=b"dhq-auth signing keys").derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
