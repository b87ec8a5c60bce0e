"""What processes take of the machine."""

from collections.abc import Iterator
from pathlib import Path


def family(pid: int) -> list[int]:
    """Return *pid* and the processes that it has started."""
    return [pid, *_children(pid)]


def runs(pid: int) -> bool:
    """Whether there is a process *pid*."""
    return Path(f"/proc/{pid}").exists()


def resident(pid: int) -> float:
    """Return the memory in MiB that *pid* and its workers hold."""
    return sum(_kibibytes(each) for each in family(pid)) / 1024


def descriptors(pid: int) -> int:
    """Return how many files and sockets *pid* and its workers have open."""
    return sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in family(pid))


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def _kibibytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
