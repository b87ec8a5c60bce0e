"""What a caller likes to get, and how much (RFC 9110 12.5)."""

import re

from aiohttp import web

_WEIGHT = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def preferences(request: web.Request, header: str) -> dict[str, float]:
    """Return what *header* names, in lower case, with the weight of each (RFC 9110 12.4.2).

    What stands there twice counts as it stands there first; a weight that is none is 0.
    """
    found: dict[str, float] = {}
    for accepted in ",".join(request.headers.getall(header, ())).split(","):
        name, *parameters = accepted.lower().replace(" ", "").replace("\t", "").split(";")
        weights = [text[2:] for text in parameters if text.startswith("q=")]
        found.setdefault(name, _weight(weights[0]) if weights else 1)
    return found


def _weight(text: str) -> float:
    return float(text) if _WEIGHT.fullmatch(text) else 0
