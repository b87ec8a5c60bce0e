"""What was asked during a fault, and what came of it: the figures that the suite reports."""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar


@dataclass
class Ledger:
    """The figures of one scenario."""

    COLUMNS: ClassVar = ("sent", "answered", "refused", "cut", "wrong", "lost", "heals", "slowest")

    sent: int = 0
    answered: int = 0
    """As they should be."""
    refused: int = 0
    """By 503 with Retry-After, or 429."""
    cut: int = 0
    """Connections refused or reset, and what a proxy said of that."""
    mistakes: list[str] = field(default_factory=list)
    """Answers that are never right, whatever has broken."""
    losses: list[str] = field(default_factory=list)
    """Changes that were acknowledged, and are gone."""
    slowest: float = 0.0
    """Seconds of the answer that took longest."""
    healed: list[float] = field(default_factory=list)
    """Seconds from the end of each fault to the first good answer."""

    def figures(self) -> dict[str, Any]:
        """Return the figures as one row of a table."""
        counts = {name: asdict(self)[name] for name in ("sent", "answered", "refused", "cut")}
        heals = f"{max(self.healed):.2f} s" if self.healed else "-"
        faults = {"wrong": len(self.mistakes), "lost": len(self.losses)}
        return {**counts, **faults, "heals": heals, "slowest": f"{self.slowest:.2f} s"}

    def judge(self) -> None:
        """Fail where anything was wrong, or lost, or nothing was asked at all."""
        assert not self.mistakes, "\n".join(self.mistakes[:20])
        assert not self.losses, "\n".join(self.losses[:20])
        assert self.answered, "nothing was answered: nothing was shown"
