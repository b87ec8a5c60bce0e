"""What a worker says to its supervisor, a byte each."""

from typing import Final

LISTENS: Final = b"."
"""It takes connections."""
READY: Final = b"!"
"""It has all that it needs to answer them."""
