"""Loading the program, which is most of a start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def for_good() -> Iterator[None]:
    """Load what is loaded inside so that it stays.

    Looking for garbage in it takes a tenth of the start, and more later on.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    gc.freeze()
