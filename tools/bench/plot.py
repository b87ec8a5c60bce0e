"""The figures at a glance: panels of bars as SVG, for light pages and dark ones."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from tools.bench.figures import BARE, Figures
from tools.bench.measure import CONNECTIONS, HELLO, LOGIN_CONNECTIONS
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN
from tools.bench.tables import number

OWN: Final = "dhq-auth"
WIDTH: Final = 920
PANEL: Final = 440
NAMES: Final = 150
"""Pixels for the names, left of the bars; as many as 60 for the figures right of them."""
BAR, STEP, HEADER, GAP = 16, 26, 64, 24
STYLE: Final = """\
svg { font: 13px system-ui, sans-serif; --page: #fcfcfb; --text: #1f2328; --quiet: #59636e;
  --own: #1a66c2; --other: #a9b2bc; --line: #d1d9e0; }
@media (prefers-color-scheme: dark) { svg { --page: #16191d; --text: #f0f3f6; --quiet: #9aa4af;
  --own: #5aa2f7; --other: #5d6771; --line: #3a424b; } }
.page { fill: var(--page); } text { fill: var(--text); } .quiet { fill: var(--quiet); }
.title { font-weight: 600; font-size: 15px; } .own { fill: var(--own); } .other { fill: var(--other); }
.bare { fill: none; stroke: var(--other); } .mine { font-weight: 600; fill: var(--own); }
.line { stroke: var(--line); }"""


@dataclass(frozen=True, slots=True)
class Panel:
    """A title, what is better, and a bar for each server."""

    title: str
    better: str
    bars: Sequence[tuple[str, float]]

    @property
    def height(self) -> int:
        """Pixels from the title to the last bar."""
        return HEADER + STEP * len(self.bars)


def panels(figures: Figures) -> list[Panel]:
    """Return what there is to be drawn, the best first in each."""
    weights = [each for each in figures.weights.values() if "," not in each.server]

    def rates(load: str, connections: int = CONNECTIONS) -> list[tuple[str, float]]:
        rows = [row for row in figures.of(load, connections) if "," not in row.server]
        bare = figures.of(HELLO, connections) if rows else []
        return [(row.server, statistics.median(row.rates)) for row in (*bare, *rows)]

    starts = [(each.server, statistics.median(each.starts)) for each in weights if each.starts]
    memory = [(each.server, max(each.loaded)) for each in weights if each.loaded]
    logins = rates(LOGIN, LOGIN_CONNECTIONS)
    more = f"requests per second from {CONNECTIONS} connections, more is better"
    hashed = f"logins per second from {LOGIN_CONNECTIONS} connections; Argon2id, equal cost"
    known = [
        Panel("Validate a token", more, rates(CHECK)),
        Panel("Issue a token", more, rates(ISSUE)),
        Panel("Fetch the keys", more, rates(KEYS)),
        Panel("Log in with a password", hashed, logins),
        Panel("Cold start", "seconds to the first 200, less is better", by_value(starts)),
        Panel("Memory after all loads", "MiB, less is better", by_value(memory)),
    ]
    return [panel for panel in known if panel.bars]


def by_value(bars: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return *bars*, the least first."""
    return sorted(bars, key=lambda bar: bar[1])


def plot(figures: Figures) -> str:
    """Return the picture."""
    drawn, top = [], GAP
    found = panels(figures)
    for left, right in zip(found[::2], [*found[1::2], None][: (len(found) + 1) // 2], strict=True):
        pair = [panel for panel in (left, right) if panel is not None]
        for column, panel in enumerate(pair):
            drawn += _panel(panel, GAP + column * (PANEL + GAP / 2), top)
        top += max(panel.height for panel in pair) + GAP
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title">',
            f'<title id="title">dhq-auth beside its peers, {CONNECTIONS} connections</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{top}" rx="8"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, left: float, top: float) -> list[str]:
    room = PANEL - NAMES - 72
    most = max(value for _, value in panel.bars) or 1.0
    begin = left + NAMES
    drawn = [
        f'<text class="title" x="{left:g}" y="{top + 16:g}">{escape(panel.title)}</text>',
        f'<text class="quiet" x="{left:g}" y="{top + 36:g}">{escape(panel.better)}</text>',
    ]
    for place, (name, value) in enumerate(panel.bars):
        y = top + HEADER - 12 + place * STEP
        kind = {OWN: "own", BARE: "bare"}.get(name, "other")
        looks = {OWN: ' class="mine"', BARE: ' class="quiet"'}.get(name, "")
        long = max(2.0, value / most * room)
        text = f'y="{y + 13:g}"'
        drawn += [
            f'<text{looks} x="{begin - 8:g}" {text} text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{begin:g}" y="{y:g}" width="{long:.1f}" height="{BAR}" rx="2"/>',
            f'<text{looks} x="{begin + long + 6:.1f}" {text}>{number(value)}</text>',
        ]
    bottom = top + panel.height - 8
    line = f'x1="{begin:g}" x2="{begin:g}" y1="{top + HEADER - 16:g}" y2="{bottom:g}"'
    return [*drawn, f'<line class="line" {line}/>']
