"""Loading the program, which is most of a start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from dhq_auth import unrun


@contextmanager
def for_good() -> Iterator[None]:
    """Load what is loaded inside so that it stays.

    Looking for garbage in it takes a tenth of the start, and more later on. Of aiohttp we need the
    half that serves; the other one reads all certificates that the machine trusts, 4 MiB and a
    tenth of the start, which is for who calls others.
    """
    unrun.put_in_place("aiohttp")
    # joserfc reads keys from certificates, too; we have none.
    unrun.put_in_place(
        "cryptography.x509", "load_pem_x509_certificate", "load_der_x509_certificate"
    )
    # cryptography looks for it, to read keys of SSH; we ask it about passwords of other systems.
    unrun.put_in_place("bcrypt", "kdf")
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    gc.freeze()
