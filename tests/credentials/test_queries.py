"""What a credential costs the database: one that can be told to be none costs nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dhq_auth import logs
from dhq_auth.api_tokens.format import new_token
from tests.fixtures.heard import hearing
from tests.fixtures.service import FrozenClock, Start
from tests.self_service.people import Person, ask, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that a request of a service of this process executes."""
    seen: list[str] = []

    def note(statement: str) -> None:
        if logs.REQUEST.get() is not None:
            seen.append(" ".join(statement.split()))

    with hearing(note):
        yield seen


@pytest.fixture
async def alice(start: Start) -> Person:
    return await registered(await start())


def altered(token: str) -> str:
    """Return *token* with one character mistyped."""
    return f"{token[:20]}{'a' if token[20] != 'a' else 'b'}{token[21:]}"


@pytest.mark.parametrize(
    "spoil",
    [
        altered,
        lambda t: t[:-1],
        lambda t: t + "x",
        lambda t: "6878-" + t[5:],
        lambda t: t.lower(),
        lambda _: "6879-",
        lambda t: "6879_" + t[5:],
        lambda t: t[:30] + "\u0661" + t[31:],
    ],
)
async def test_a_wrong_prefix_or_checksum_costs_no_query(alice: Person, spoil: object) -> None:
    made = await alice.make_token()
    wrong = spoil(made["token"])  # type: ignore[operator]
    with statements() as seen:
        for sent in ({"bearer": wrong}, {"params": {"jwt": wrong}}):
            status, said = await ask(alice.service, "GET", "/auth/token-info", **sent)
            assert (status, said["code"]) == (401, "invalid_token")
    assert seen == []


async def test_a_report_of_one_costs_no_query_and_of_a_made_up_one_no_write(alice: Person) -> None:
    with statements() as seen:
        report = {"token": altered((await alice.make_token())["token"])}
        seen.clear()
        await ask(alice.service, "POST", "/auth/token-leaked", json=report)
        assert seen == []
        await ask(alice.service, "POST", "/auth/token-leaked", json={"token": new_token()})
    assert [each for each in seen if not each.startswith(("SELECT", "BEGIN"))] == []
    assert len([each for each in seen if each.startswith("SELECT")]) == 1


async def test_a_token_costs_one_query_and_a_jwt_none_of_the_tokens(
    alice: Person, clock: FrozenClock
) -> None:
    made = await alice.make_token()
    await ask(alice.service, "GET", "/auth/token-info", bearer=made["token"])  # first use: written
    with statements() as seen:
        await ask(alice.service, "GET", "/auth/token-info", bearer=made["token"])
    (query,) = [each for each in seen if each.startswith("SELECT")]
    assert "api_tokens" in query
    assert [each for each in seen if not each.startswith(("SELECT", "BEGIN"))] == [], "no write"
    with statements() as seen:
        await alice.call("GET", "/auth/token-info")
    (query,) = [each for each in seen if each.startswith("SELECT")]
    assert "api_tokens" not in query


async def test_a_forged_jwt_costs_no_query(alice: Person) -> None:
    head, body, _ = alice.token.split(".")
    with statements() as seen:
        status, _ = await ask(
            alice.service, "GET", "/auth/token-info", bearer=f"{head}.{body}.{'A' * 342}"
        )
    assert (status, seen) == (401, [])
