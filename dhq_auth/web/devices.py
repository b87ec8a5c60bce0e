"""What a person calls the browser that calls itself `Mozilla/5.0 (X11; …) … Safari/537.36`."""

import re
from typing import Final

# In this order: whoever comes later also names those before whose place it wants to take.
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS|HeadlessChrome", "Chrome"),
    ("Version/[0-9.]+ (?:Mobile/[0-9A-Z]+ )?Safari", "Safari"),
)
SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux|X11", "Linux"),
)
_PROGRAM = re.compile(r"[A-Za-z][\w.-]{0,30}(?=/[0-9])")
MAX_LENGTH: Final = 60


def device(user_agent: str | None) -> str:
    """Return a short name of what sent *user_agent*, `Firefox · Windows`; "" if that says nothing.

    It is a name to recognize one's own by, and no more: anybody may send any.
    """
    text = " ".join((user_agent or "").split())
    names = [
        next((name for sign, name in table if re.search(rf"\b(?:{sign})\b", text)), None)
        for table in (BROWSERS, SYSTEMS)
    ]
    if names[0]:
        return " · ".join(name for name in names if name)
    program = _PROGRAM.match(text)
    return program[0] if program and not text.startswith("Mozilla") else text[:MAX_LENGTH]
