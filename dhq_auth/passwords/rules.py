"""Which passwords may be had: long enough, and not among the first that anybody would guess.

SP 800-63B-4 3.1.1.2 and ASVS 6.2: no rules of composition. The password as a whole is compared, in
lower case and with compatible characters made equal; what is long and random passes always.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from unicodedata import category, normalize

from dhq_auth.errors import WeakPassword
from dhq_auth.message import Message
from dhq_auth.passwords.common import is_listed
from dhq_auth.passwords.patterns import is_sequence, repeated_unit, runs
from dhq_auth.passwords.text import MAX_LENGTH, nfc

SHORT_UNIT: Final = 7
"""Up to so many characters a piece is short: to repeat it adds next to nothing."""
SHORT_WORD: Final = 3
"""Words of the context with fewer characters are in everything."""
FEW: Final = 6
"""So many digits and signs beside a known word are tried soon: a year, a date, `123!`."""

REASONS: Final = {
    "repeated": "The password repeats one character or a short piece; choose another one.",
    "sequence": "The password is a sequence, or a row of keys on a keyboard; choose another one.",
    "context": "The password is made of your username, your email or the name of the service; "
    "choose another one.",
    "common": "The password is among those that are used, and guessed, most often; choose another "
    "one.",
}


def check(password: str, *, min_length: int, context: Iterable[str]) -> str:
    """Return *password* normalized (NFC) if it may be had; else raise WeakPassword with the reason.

    *min_length* counts characters of the normalized form; *context* is what an attacker knows
    beforehand: username, email, names of the person and of the service.
    """
    normal = _text(password)
    if len(normal) < min_length:
        raise WeakPassword(
            Message("The password must have at least {count} characters.", count=min_length),
            reason="too_short",
        )
    if reason := _weakness(normal, _words(context)):
        raise WeakPassword(REASONS[reason], reason=reason)
    return normal


def _text(password: str) -> str:
    try:
        normal = nfc(password)
    except ValueError:
        raise WeakPassword(
            Message("The password must have at most {count} characters.", count=MAX_LENGTH),
            reason="too_long",
        ) from None
    # Control characters cannot be sent in Basic (RFC 7617 2), lone surrogates are no text.
    if any(category(character) in {"Cc", "Cs"} for character in normal):
        raise WeakPassword(
            "The password has a control character, such as a tab or a line break, or what is no "
            "character at all; leave it out.",
            reason="characters",
        )
    return normal


def _weakness(normal: str, words: Sequence[str]) -> str | None:
    folded = _fold(normal)
    # Of both, since one character may be folded into many.
    if any(0 < len(repeated_unit(text) or "") <= SHORT_UNIT for text in (normal, folded)):
        return "repeated"
    once = repeated_unit(folded) or folded
    if is_sequence(once):
        return "sequence"
    if _is_made_of(words, once):
        return "context"
    return "common" if _is_common(once) else None


def _is_common(folded: str) -> bool:
    """Whether *folded* is on the list, alone or with a little put before or behind it."""
    if is_listed(folded):
        return True
    core = _core(folded)
    return is_listed(core) and _is_little(folded.split(core, 1), len(core))


def _is_made_of(words: Sequence[str], folded: str) -> bool:
    """Whether *folded* is *words*, perhaps with a common password, and a little beside them."""
    rest = folded
    for word in words:
        rest = rest.replace(word, "\0")
    if rest == folded:
        return False
    added = rest.split("\0")
    known = len(folded) - sum(map(len, added))
    for place, piece in enumerate(added):
        if core := _core(piece):
            if not is_listed(core):
                return False
            known += len(core)
            added[place] = piece.replace(core, "", 1)
    return _is_little(added, known)


def _is_little(added: Iterable[str], known: int) -> bool:
    """Whether it is soon guessed what was *added* to so many *known* characters."""
    return sum(map(runs, added)) <= max(known, FEW)


def _core(text: str) -> str:
    """Return *text* without the digits and signs at both ends."""
    letters = [place for place, character in enumerate(text) if character.isalpha()]
    return text[letters[0] : letters[-1] + 1] if letters else ""


def _words(context: Iterable[str]) -> list[str]:
    """Return the words of *context*, wholes and parts, forwards and backwards; longest first."""
    found = set()
    for known in map(_fold, context):
        local, _, domain = known.rpartition("@")
        parts = {known, local, domain, *re.split(r"[\W_]+", known)}
        found |= parts | {part[::-1] for part in parts}
    return sorted((word for word in found if len(word) >= SHORT_WORD), key=lambda w: (-len(w), w))


def _fold(text: str) -> str:
    return normalize("NFKC", normalize("NFKC", text).casefold())
