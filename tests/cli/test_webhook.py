"""`dhq-auth webhook`: what is owed, what was given up, what arrived; and once more."""

from collections.abc import AsyncIterator

import pytest

from dhq_auth.clock import rfc3339
from dhq_auth.db import Database
from dhq_auth.events import Source, UsernameChosen
from dhq_auth.hookspecs import NotDelivered
from dhq_auth.outbox.owed import Owed
from dhq_auth.work import Work
from tests.cli.conftest import Cli
from tests.fixtures.service import FrozenClock
from tests.outbox.conftest import SQLITE, Receiver, dispatcher, turn


@pytest.fixture
async def work(database_url: str, clock: FrozenClock) -> AsyncIterator[Work]:
    """A database with three deliveries, in the order of the alphabet: one arrives, one is given up."""
    receiver = Receiver("username.chosen")

    async def announce(_events: object) -> None:
        return None

    database = Database(database_url, pool=2, timeout=10)
    work = Work(database, clock, announce, keep=Owed({"webhook": receiver}).keep)
    ours = dispatcher(work, webhook=receiver)
    for name, failure in (
        ("arrived", None),
        ("given up", NotDelivered("status 410", for_good=True)),
        ("owed", NotDelivered("status 500")),
    ):
        receiver.fails(failure)
        await work.tell(Source(), UsernameChosen(user_id="u1", username=name))
        await turn(ours)
        clock.advance(seconds=1)
    yield work
    await database.close()


async def names(commands: Cli, *options: str) -> list[str]:
    listed = (await commands.aside("webhook", "list", "--json", *options)).json
    return [each["payload"]["data"]["detail"]["username"] for each in listed["items"]]


@pytest.mark.slow
@pytest.mark.usefixtures("work")
async def test_each_is_listed_in_its_state_the_newest_first(on_database: Cli) -> None:
    assert await names(on_database) == ["owed", "given up", "arrived"]
    assert await names(on_database, "--pending") == ["owed"]
    assert await names(on_database, "--failed") == ["given up"]
    assert await names(on_database, "--delivered") == ["arrived"]
    assert await names(on_database, "--limit", "2") == ["owed", "given up"]
    text = (await on_database.aside("webhook", "list")).out
    assert "status 410" in text
    assert text.count("username.chosen") == 3
    few = await on_database.aside("webhook", "list", "--limit", "2")
    assert few.err == "there are more: --limit\n"


@pytest.mark.slow
async def test_it_says_how_often_it_was_tried_why_it_failed_and_when_it_is_tried_next(
    work: Work, on_database: Cli, clock: FrozenClock
) -> None:
    found = (await on_database.aside("webhook", "list", "--json")).json
    assert found["more"] is False
    owed, given_up, arrived = found["items"]
    assert [each["state"] for each in found["items"]] == ["pending", "failed", "delivered"]
    assert [each["attempts"] for each in found["items"]] == [1, 1, 1]
    assert [each["error"] for each in found["items"]] == ["status 500", "status 410", None]
    assert owed["due_at"] > rfc3339(clock.now)
    assert given_up["due_at"] is None
    assert (arrived["due_at"], arrived["delivered_at"]) == (None, arrived["made_at"])
    assert arrived["tried_at"] == arrived["made_at"]


@SQLITE
async def test_one_that_was_never_tried_has_no_last_try(work: Work, on_database: Cli) -> None:
    await work.tell(Source(), UsernameChosen(user_id="u1", username="new"))
    newest = (await on_database.aside("webhook", "list", "--json", "--limit", "1")).json["items"][0]
    assert (newest["attempts"], newest["tried_at"], newest["error"]) == (0, None, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "again"),
    [
        (["--failed"], {"given up"}),
        (["owed"], {"owed"}),
        (["arrived"], {"arrived"}),
        (["arrived", "given up", "owed"], {"arrived", "given up", "owed"}),
    ],
    ids=["failed", "owed", "arrived", "all"],
)
@SQLITE
async def test_what_is_retried_is_sent_at_once_with_the_id_that_it_had(
    work: Work, on_database: Cli, clock: FrozenClock, which: list[str], again: set[str]
) -> None:
    items = (await on_database.aside("webhook", "list", "--json")).json["items"]
    ids = {each["payload"]["data"]["detail"]["username"]: each["id"] for each in items}
    ended = await on_database.aside(
        "webhook", "retry", *(ids.get(each, each) for each in which), "--json"
    )
    assert ended.json == {"retried": sorted(ids[name] for name in again)}
    receiver = Receiver()
    clock.advance(minutes=1)  # the command had the time of the machine
    await turn(dispatcher(work, webhook=receiver))
    assert {each.id for each in receiver.got} >= {ids[name] for name in again}
    assert {each.attempt for each in receiver.got if each.id in {ids[n] for n in again}} == {1}


@SQLITE
@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("retry",), 2, "give IDs or --failed"),
        (("retry", "0" * 32, "--failed"), 2, "give IDs or --failed"),
        (("retry", "0" * 32), 1, "there is no delivery"),
        (("retry", "\udcff"), 1, "letters and digits"),
        (("retry", "a\x00b"), 1, "letters and digits"),
        (("list", "--failed", "--pending"), 2, "one of"),
        (("list", "--limit", "0"), 2, "limit"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_a_line(
    on_database: Cli, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = await on_database.aside("webhook", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


@SQLITE
async def test_of_several_one_of_which_is_unknown_none_is_retried(
    work: Work, on_database: Cli
) -> None:
    (failed,) = (await on_database.aside("webhook", "list", "--failed", "--json")).json["items"]
    ended = await on_database.aside("webhook", "retry", failed["id"], "f" * 32)
    assert ended.code == 1
    assert await names(on_database, "--failed") == ["given up"]
