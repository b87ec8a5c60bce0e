"""What the doctor finds of the server that counts failed logins."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import Cli, Ended
from tests.fakes.valkey import ValkeyServer

SUBJECT = "RATE_LIMIT_STORAGE"
PASSWORD = "only-for-tests"

pytestmark = pytest.mark.valkey


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A server of this test's own, with settings that others would not like."""
    with ValkeyServer(PASSWORD) as server:
        yield server


def look(cli: Cli, url: str) -> Ended:
    return cli("doctor", "--json", DATABASE_TIMEOUT="1", RATE_LIMIT_STORAGE=url)


@pytest.mark.slow
def test_a_server_that_answers_and_forgets_nothing_is_in_order(
    cli: Cli, server: ValkeyServer
) -> None:
    ended = look(cli, server.url)
    assert ended.found(SUBJECT) == ended.found(SUBJECT, "ok")
    assert len(ended.found(SUBJECT)) == 2


@pytest.mark.parametrize(
    ("memory", "policy", "warned"),
    [
        ("100mb", "allkeys-lru", True),
        ("100mb", "volatile-ttl", True),
        ("100mb", "noeviction", False),
        ("0", "allkeys-lru", False),
    ],
)
@pytest.mark.slow
def test_a_server_that_may_forget_failures_is_warned_of(
    cli: Cli, server: ValkeyServer, memory: str, policy: str, *, warned: bool
) -> None:
    server.execute("CONFIG", "SET", "maxmemory", memory, "maxmemory-policy", policy)
    texts = look(cli, server.url).found(SUBJECT, "warning")
    assert [policy in text for text in texts] == [True] * warned


@pytest.mark.parametrize(
    "away", ["killed", pytest.param("held up", marks=pytest.mark.slow), "another password"]
)
def test_a_server_that_lets_us_count_nothing_is_a_fault(
    cli: Cli, server: ValkeyServer, away: str
) -> None:
    url = server.url
    match away:
        case "killed":
            server.kill()
        case "held up":
            server.hold_up()
        case _:
            url = url.replace(PASSWORD, "another-one")
    ended = look(cli, url)
    (text,) = ended.found(SUBJECT, "fault")
    assert ended.code == 1
    assert "does not answer" in text
    assert "another-one" not in ended.out
    assert PASSWORD not in ended.out


def test_without_one_the_database_counts(cli: Cli) -> None:
    (text,) = cli("doctor", "--json").found(SUBJECT, "ok")
    assert "in the database" in text
