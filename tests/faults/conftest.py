"""What the fault suite shares; see docs/operations.md for what it shows."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.fakes.postgres import PostgresServer
from tests.fakes.proxy import Proxy
from tests.faults.ledger import Ledger
from tests.faults.stage import Stage

Open = Callable[..., Awaitable[Stage]]
FIGURES = "faults"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands here."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.faults)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was asked during each fault, and what came of it."""
    rows = [
        (report.nodeid.rpartition("::")[2], figures)
        for outcome in ("", "error")  # what a teardown counts as
        for report in terminalreporter.getreports(outcome)
        if isinstance(report, pytest.TestReport) and report.when == "teardown"
        for name, figures in report.user_properties
        if name == FIGURES
    ]
    if not rows:
        return
    terminalreporter.section("what was asked during the faults")
    for test, figures in sorted(rows):
        told = ", ".join(f"{name} {figures[name]}" for name in Ledger.COLUMNS)
        terminalreporter.write_line(f"{test}\n    {told}")


@pytest.fixture
def thorough(request: pytest.FixtureRequest) -> bool:
    """Whether there is time for the long form."""
    return bool(request.config.getoption("--thorough"))


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Iterator[Callable[[Ledger], None]]:
    """A function that has the figures of a ledger reported at the end of the run."""
    ledgers: list[Ledger] = []
    yield ledgers.append
    for ledger in ledgers:
        request.node.user_properties.append((FIGURES, ledger.figures()))


@pytest.fixture
async def stage(
    tmp_path: Path, report: Callable[[Ledger], None]
) -> AsyncIterator[Callable[..., Stage]]:
    """A function that sets a stage: so many replicas with the given variables, not yet started."""
    async with AsyncExitStack() as stack:

        def new(replicas: int = 1, within: Sequence[str] = (), **environ: str) -> Stage:
            made = Stage(tmp_path, replicas, within, **environ)
            report(made.ledger)
            stack.push_async_callback(made.close)
            return made

        yield new


@pytest.fixture
async def proxy(postgres: PostgresServer) -> AsyncIterator[Proxy]:
    """A proxy in front of PostgreSQL, by which it is cut off."""
    async with Proxy(postgres.port) as between:
        yield between


@pytest.fixture
def behind_proxy(proxy: Proxy, postgres: PostgresServer, postgres_url: str) -> str:
    """The DATABASE_URL of an empty database behind the proxy."""
    return postgres_url.replace(f":{postgres.port}/", f":{proxy.port}/")
