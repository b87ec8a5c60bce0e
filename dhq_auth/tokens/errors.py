"""What can be wrong with keys."""

from dhq_auth.errors import InvalidCredential, StartRefused


class KeysUnusable(StartRefused):
    """The keys cannot be used; the text names the setting that is at fault."""


class UnknownKey(InvalidCredential):
    """A token names a key that this process does not have: nobody's, or one made a moment ago."""
