"""The passwords that are guessed first: a list of what people used most, of 8 characters or more.

`common-passwords.txt.gz` has them one a line, sorted and folded; `tools/common_passwords.py` made
it, and where it comes from stands beside it. About 0.7 MB once the first password is looked up.
"""

from functools import cache
from gzip import decompress
from pathlib import Path
from typing import Final

LIST: Final = Path(__file__).with_name("common-passwords.txt.gz")
SHORTEST: Final = 8
LONGEST: Final = 40


def is_listed(folded: str) -> bool:
    """Whether *folded*, a password without upper case, is on the list."""
    if not SHORTEST <= len(folded) <= LONGEST or "\n" in folded:
        return False
    return f"\n{folded}\n".encode() in _listed()


@cache
def _listed() -> bytes:
    return b"\n" + decompress(LIST.read_bytes())
