"""Write dhq_auth/passwords/common-passwords.txt.gz from lists of passwords, one a line.

python tools/common_passwords.py LIST...

Where the lists come from stands in dhq_auth/passwords/common-passwords.LICENSE.
"""

import gzip
import sys
from pathlib import Path
from unicodedata import normalize

from dhq_auth.passwords.common import LIST, LONGEST, SHORTEST
from dhq_auth.passwords.patterns import is_sequence, repeated_unit
from dhq_auth.passwords.rules import SHORT_UNIT


def passwords(file: Path) -> set[str]:
    """Return what of *file* is worth a line: text that no other rule refuses already."""
    lines = file.read_bytes().decode(errors="replace").splitlines()
    folded = {normalize("NFKC", normalize("NFKC", line).casefold()) for line in lines}
    return {word for word in folded if _is_wanted(word)}


def _is_wanted(word: str) -> bool:
    return (
        SHORTEST <= len(word) <= LONGEST
        and word.isprintable()
        and "\N{REPLACEMENT CHARACTER}" not in word
        and len(repeated_unit(word) or word) > SHORT_UNIT
        and not is_sequence(word)
    )


def main() -> None:
    """Write the list."""
    found = sorted(set().union(*(passwords(Path(name)) for name in sys.argv[1:])))
    text = "".join(f"{word}\n" for word in found)
    LIST.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(found)} passwords, {len(text.encode())} bytes, {LIST.stat().st_size} compressed")


if __name__ == "__main__":
    main()
