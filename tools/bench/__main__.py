"""`make bench`: dhq-auth beside its peers, and what it is to show of itself.

Servers run one at a time on loopback, rounds interleaved (A B C, A B C, …), so that a machine that
changes its mind changes it for all. Each figure is also a ratio to a bare aiohttp server of the same
round: figures depend on the machine, ratios less so.

The whole takes about 17 minutes on two cores, and writes docs/benchmarks.md and docs/benchmarks.svg;
a part of it is only printed. A quick look:
python -m tools.bench --only check,authorize --peers none --rounds 1
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

from tools.bench import report, wrk
from tools.bench.measure import Bench, Plan
from tools.bench.own.goals import goals
from tools.bench.own.server import DhqAuth
from tools.bench.peers import PEERS
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN, Peer
from tools.bench.plot import plot
from tools.bench.process import ROOT

LOADS = (CHECK, ISSUE, KEYS, LOGIN)
CHAPTERS = ("storm", "two", "start", "scale")


def words(text: str) -> list[str]:
    """Return what stands between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1, help="of load, per figure and round")
    parser.add_argument("--processes", type=int, default=1, help="of each server among peers")
    parser.add_argument("--connections", default="1,32,256", help="among peers")
    parser.add_argument("--only", default="", help=f"some of {','.join((*LOADS, *CHAPTERS))}")
    names = ",".join(peer.name for peer in PEERS)
    parser.add_argument("--peers", default="all", help=f"all, none, or some of {names}")
    parser.add_argument("--goals", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--out", type=Path, help="write the report there, whatever was left out")
    found = parser.parse_args()
    found.only, found.connections = words(found.only), [int(n) for n in words(found.connections)]
    if unknown := set(found.only) - {*LOADS, *CHAPTERS}:
        parser.error(f"nothing is called {', '.join(sorted(unknown))}")
    return found


def chosen(text: str) -> list[Peer]:
    """Return the peers that *text* names, dhq-auth before them."""
    if text == "none":
        return []
    named = words(text)
    unknown = set(named) - {peer.name for peer in PEERS} - {"all"}
    if unknown:
        raise SystemExit(f"no peer is called {', '.join(sorted(unknown))}")
    return [DhqAuth(), *(peer for peer in PEERS if text == "all" or peer.name in named)]


def node() -> str:
    """Return the version of Node."""
    try:
        finished = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "missing"
    return finished.stdout.strip().removeprefix("v")


def main() -> None:
    """Measure; print the report, and write it if it is whole."""
    options = arguments()
    home = Path(os.environ.get("BENCH_HOME", Path.home() / ".cache/dhq-auth-bench"))
    machine = report.Machine.here(wrk.version(), node())
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    peers = chosen(options.peers)
    with tempfile.TemporaryDirectory(prefix="dhq-auth-bench-") as folder:
        plan = Plan(
            options.rounds,
            options.seconds,
            options.connections,
            options.processes,
            options.only,
            home,
            Path(folder),
        )
        bench = Bench(plan)
        if wanted := [name for name in LOADS if peers and plan.wants(name)]:
            bench.compare(peers, wanted)
        if options.goals:
            with bench.attempt("dhq-auth by itself"):
                goals(bench)
    home.mkdir(parents=True, exist_ok=True)
    (home / "last.json").write_text(json.dumps(bench.figures.plain(), indent=1))
    text = report.markdown(bench.figures, machine, peers, plan)
    print(text)
    whole = options.peers == "all" and options.goals and not options.only
    if target := options.out or (ROOT / "docs" if whole else None):
        target.mkdir(parents=True, exist_ok=True)
        (target / "benchmarks.md").write_text(text)
        (target / "benchmarks.svg").write_text(plot(bench.figures))


if __name__ == "__main__":
    main()
