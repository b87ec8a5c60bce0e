"""Extensions that deliver: what they may be, and what counts as delivered."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dhq_auth.events import kinds
from dhq_auth.hookspecs import Delivery, NotDelivered
from dhq_auth.plugins import Extensions, PluginError
from dhq_auth.plugins.carriers import MAX_NAME, Carrier
from dhq_auth.settings import from_environ
from tests.plugins.conftest import Write

DELIVERY = Delivery("0123", "logout", 1, {"type": "logout"})

Load = Callable[..., Carrier]


def extensions(name: str) -> Extensions:
    wanted = from_environ({"INSTALLED_EXTENSIONS": name}).extensions
    return Extensions(wanted, timeout=1, calls=1, delivery_timeout=0.2, delivery_calls=1)


@pytest.fixture
def load(module: Write) -> Load:
    """A function that loads an extension of the given source."""

    def load_one(source: str) -> Carrier:
        return extensions(module(source)).carriers["plugin_of_test"]

    return load_one


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("", kinds()),
        ("def subscribes(kind): return kind == 'logout'", {"logout"}),
        ("def subscribes(kind): return False", set()),
    ],
    ids=["unsaid", "one", "none"],
)
def test_it_gets_the_kinds_that_it_subscribes_to(load: Load, source: str, wanted: set[str]) -> None:
    assert load(f"def deliver(delivery): ...\n{source}").kinds == wanted


def test_who_does_not_deliver_is_owed_nothing(module: Write) -> None:
    assert extensions(module("def on_event(event): ...\ndelivered = []")).carriers == {}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("def subscribes(kind): return True", "it has subscribes(kind), but no deliver(delivery)"),
        ("def deliver(): ...", "deliver() must be callable as deliver(delivery)"),
        ("def deliver(delivery, to): ...", "deliver(delivery, to) must be callable as deliver(delivery)"),
        ("deliver = 1", "deliver is no function; it must be callable as deliver(delivery)"),
        ("def deliver(delivery): ...\ndef subscribed(kind): return False", "it has no hook named subscribed (did you mean subscribes?)"),
        ("def deliver(delivery): ...\nasync def subscribes(kind): return False", "subscribes(kind) must be a plain function, not an async one"),
        ("def deliver(delivery): ...\ndef subscribes(kind): return 1", "answered int; expected: True or False"),
        ("def deliver(delivery): ...\ndef subscribes(kind): raise SystemExit", "failed: SystemExit"),
    ],
)  # fmt: skip
def test_one_that_cannot_deliver_stops_the_start(module: Write, source: str, why: str) -> None:
    with pytest.raises(PluginError) as raised:
        extensions(module(source))
    assert str(raised.value).startswith("INSTALLED_EXTENSIONS: plugin_of_test: ")
    assert why in str(raised.value)


def test_a_name_that_the_database_has_no_room_for_needs_an_alias(module: Write) -> None:
    name = module("def deliver(delivery): ...", "m" * (MAX_NAME + 1))
    with pytest.raises(PluginError, match=f"longer than {MAX_NAME} characters; give it an alias"):
        extensions(name)
    assert extensions(f"short:{name}").carriers.keys() == {"short"}


@pytest.mark.parametrize("define", ["def", "async def"])
async def test_none_says_that_it_arrived(load: Load, define: str) -> None:
    await load(f"{define} deliver(delivery): assert delivery.id == '0123'")(DELIVERY)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return False", "deliver answered bool, where None says that it arrived"),
        ("return 200", "deliver answered int, where None says that it arrived"),
        ("raise ValueError('a secret')", "ValueError (…, line 3)"),
        ("raise SystemExit", "PluginFailed"),
        ("raise NotDelivered('status 500')", "status 500"),
        ("raise NotDelivered('a\\n\\x1b[2Jb' + 'c' * 999)", "a[2Jb" + "c" * 195),
        ("raise NotDelivered('')", "no reason is given"),
        ("raise NotDelivered(None)", "no reason is given"),
        ("import time; time.sleep(0.5)", "no answer in time"),
    ],
)
@pytest.mark.slow
async def test_all_else_says_why_it_did_not(load: Load, body: str, reason: str) -> None:
    carrier = load(f"from dhq_auth import NotDelivered\ndef deliver(delivery):\n    {body}")
    with pytest.raises(NotDelivered) as raised:
        await carrier(DELIVERY)
    told = raised.value.reason
    assert "secret" not in told
    begins, dots, ends = reason.partition("…")
    assert (told.startswith(begins) and told.endswith(ends)) if dots else told == reason


async def test_when_it_may_come_again_is_handed_on_and_nonsense_is_not(load: Load) -> None:
    source = "from datetime import timedelta\nfrom dhq_auth import NotDelivered\n"
    good = "raise NotDelivered('a', retry_after=timedelta(hours=1), for_good=True)"
    with pytest.raises(NotDelivered) as raised:
        await load(f"{source}def deliver(delivery): {good}")(DELIVERY)
    assert (raised.value.retry_after, raised.value.for_good) == (timedelta(hours=1), True)


async def test_nonsense_of_when_it_may_come_again_counts_for_nothing(load: Load) -> None:
    source = "from dhq_auth import NotDelivered\n"
    bad = "raise NotDelivered('a', retry_after='soon', for_good='yes')"
    with pytest.raises(NotDelivered) as raised:
        await load(f"{source}def deliver(delivery): {bad}")(DELIVERY)
    assert (raised.value.retry_after, raised.value.for_good) == (None, False)
