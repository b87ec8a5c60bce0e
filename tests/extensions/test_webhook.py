"""Webhooks: signed as Standard Webhooks say, and whatever the receiver answers."""

import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from dhq_auth import Delivery, NotDelivered
from dhq_auth.events import kinds
from dhq_auth.settings import from_environ
from extensions.webhook import Webhook, configure, retry_after
from tests.fakes import faults
from tests.fakes.receiver import OLD_SECRET, SECRET, Receiver
from tests.fakes.rough import saying, tls_server

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
PAYLOAD = {"type": "user.created", "timestamp": "2026-11-22T12:00:00Z", "data": {"name": "Ä\ud800"}}
DELIVERY = Delivery("0123", "user.created", 1, PAYLOAD)

Make = Callable[..., Webhook]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Who receives."""
    async with Receiver() as running:
        yield running


@pytest.fixture
async def make(receiver: Receiver) -> AsyncIterator[Make]:
    """A function that makes a webhook with options."""
    made: list[Webhook] = []

    def make_one(**options: str) -> Webhook:
        made.append(configure({"url": receiver.url, "secret": SECRET, **options}))
        return made[-1]

    yield make_one
    for webhook in made:
        await webhook.close()


async def failed(webhook: Webhook) -> NotDelivered:
    with pytest.raises(NotDelivered) as raised:
        await webhook.deliver(DELIVERY)
    return raised.value


async def test_what_is_sent_is_signed_and_says_what_happened(
    receiver: Receiver, make: Make
) -> None:
    await make().deliver(DELIVERY)
    assert receiver.got == [PAYLOAD]
    headers = receiver.headers[0]
    assert headers["webhook-id"] == "0123"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "dhq-auth"
    assert "Authorization" not in headers
    assert "Cookie" not in headers


@pytest.mark.parametrize("known", [SECRET, OLD_SECRET])
async def test_while_the_secret_is_changed_who_knows_either_can_verify(
    receiver: Receiver, make: Make, known: str
) -> None:
    receiver.secret = known
    await make(secret=f"{SECRET};{OLD_SECRET}").deliver(DELIVERY)
    assert receiver.got == [PAYLOAD]
    assert len(receiver.headers[0]["webhook-signature"].split()) == 2


async def test_somebody_elses_secret_verifies_nothing(receiver: Receiver, make: Make) -> None:
    receiver.secret = OLD_SECRET
    failure = await failed(make())
    assert failure.reason == "status 500"
    assert receiver.got == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_says_that_it_arrived(receiver: Receiver, make: Make, status: int) -> None:
    receiver.faults["hook"] = faults.answer(status, b"thanks", "text/plain")
    await make().deliver(DELIVERY)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 400, 401, 404, 429, 500, 503])
async def test_every_other_status_says_that_it_did_not_and_no_redirect_is_followed(
    receiver: Receiver, make: Make, status: int
) -> None:
    there = f"{receiver.origin}/other"
    receiver.faults["hook"] = faults.answer(status, b"a secret of theirs", Location=there)
    failure = await failed(make())
    assert (failure.reason, failure.retry_after, failure.for_good) == (
        f"status {status}",
        None,
        False,
    )
    assert receiver.got == []


async def test_410_says_that_nothing_more_is_wanted(receiver: Receiver, make: Make) -> None:
    receiver.faults["hook"] = faults.answer(410)
    assert (await failed(make())).for_good


@pytest.mark.parametrize("status", [429, 503])
async def test_who_asks_for_time_is_heard(receiver: Receiver, make: Make, status: int) -> None:
    receiver.faults["hook"] = faults.answer(status, Retry_After="120")
    assert (await failed(make())).retry_after == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (None, None),
        ("0", timedelta()),
        (" 5 ", timedelta(seconds=5)),
        ("Sun, 22 Nov 2026 13:00:00 GMT", timedelta(hours=1)),
        ("Sun, 22 Nov 2026 11:00:00 GMT", timedelta()),
        ("Sun, 22 Nov 2026 13:00:00", timedelta(hours=1)),
        *((bad, None) for bad in ("", "-5", "1.5", "soon", "9" * 5000, "٣", "Sun, 99 Nov 2026", "\x00")),
        ("Sun, 22 Nov 99999 13:00:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(value: str | None, wait: timedelta | None) -> None:
    assert retry_after(value, NOW) == wait


@pytest.mark.slow
@pytest.mark.parametrize("fault", [faults.endless, faults.bomb, faults.garbage, faults.dribble()])
async def test_what_is_answered_is_not_read(receiver: Receiver, make: Make, fault: Any) -> None:
    receiver.faults["hook"] = fault
    await make(timeout="5").deliver(DELIVERY)


@pytest.mark.slow
async def test_one_that_hangs_is_given_up(receiver: Receiver, make: Make) -> None:
    receiver.faults["hook"] = faults.hang
    assert (await failed(make(timeout="0.2"))).reason == "no answer in time"


async def test_one_that_cuts_the_connection_or_does_not_listen_has_not_got_it(
    receiver: Receiver, make: Make
) -> None:
    receiver.faults["hook"] = faults.reset
    webhook = make()
    assert (await failed(webhook)).reason.startswith("no answer: ")
    await receiver.stop()
    assert (await failed(webhook)).reason == "it cannot be connected to"
    await receiver.start()
    del receiver.faults["hook"]
    await webhook.deliver(DELIVERY)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 9999 x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n",
        b"\x00" * 1000,
    ],
    ids=["nothing", "ssh", "status", "header", "zeros"],
)
async def test_one_that_speaks_no_http_has_not_got_it(make: Make, raw: bytes) -> None:
    async with saying(raw) as url:
        failure = await failed(make(url=url))
    assert failure.reason.startswith("no answer: ")


async def test_a_certificate_that_does_not_hold_gets_nothing(make: Make, tmp_path: Path) -> None:
    async def take(_: web.Request) -> web.Response:
        raise AssertionError

    async with tls_server(take, tmp_path) as url:
        failure = await failed(make(url=url))
    assert failure.reason == "its certificate does not hold, or TLS fails"


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        (None, {"user.created", "user.changed", "user.deleted", "login.succeeded", "logout"}),
        ("logout", {"logout"}),
        ("policy.;token.made", {"policy.added", "policy.changed", "policy.deleted", "token.made"}),
        ("*", set(kinds())),
    ],
)
def test_it_subscribes_to_what_is_named(make: Make, events: str | None, wanted: set[str]) -> None:
    webhook = make(**({} if events is None else {"events": events}))
    assert {kind for kind in kinds() if webhook.subscribes(kind)} == wanted


def key_of(size: int) -> str:
    return "whsec_" + base64.b64encode(b"\xff" * size).decode()


@pytest.mark.parametrize("size", [24, 64])
def test_a_secret_has_24_to_64_bytes(make: Make, size: int) -> None:
    make(secret=key_of(size))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": ""}, "URL: is missing"),
        ({"secret": ""}, "SECRET: is missing"),
        ({"secret": key_of(23)}, "SECRET: read a secret, not shown; expected: whsec_"),
        ({"secret": key_of(65)}, "SECRET: read a secret, not shown; expected: whsec_"),
        ({"secret": key_of(32).removeprefix("whsec_")}, "SECRET: read a secret"),
        ({"secret": "whsec_not base64 at all, but long enough"}, "SECRET: read a secret"),
        ({"secret": f"{SECRET};short"}, "SECRET: read a secret, not shown; expected: entry 2"),
        ({"url": "http://example.com/hook"}, "URL: read a secret, not shown; expected: an https"),
        ({"url": "ftp://example.com/hook"}, "URL: read a secret"),
        ({"url": "https://user:password@example.com/hook"}, "URL: read a secret"),
        ({"url": "https://example.com/hook#here"}, "URL: read a secret"),
        ({"url": "https://example.com/a b"}, "URL: read a secret"),
        ({"events": "user.create"}, "EVENTS: read 'user.create'; expected: * for all"),
        ({"events": "user"}, "EVENTS: read 'user'; expected: * for all"),
        ({"events": "."}, "EVENTS: read '.'; expected: * for all"),
        ({"timeout": "0"}, "TIMEOUT: read '0'"),
        ({"secert": SECRET}, "SECERT: is not known; known are URL, SECRET"),
    ],
)
def test_options_that_cannot_be_meant_stop_the_start_without_telling_secrets(
    make: Make, options: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=r".+") as raised:
        make(**options)
    assert str(raised.value).startswith(said)
    for name in ("url", "secret"):
        assert not options.get(name) or options[name] not in str(raised.value)


def test_http_leaves_the_machine_only_where_it_is_allowed(make: Make) -> None:
    make(url="http://receiver.internal/hook", allow_http="on")
    make(url="https://example.com/hook?token=in%20the%20query")


def test_url_and_secret_come_from_files_too(make: Make, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://example.com/hook\n")
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    make(url="", secret="", url_file=str(tmp_path / "url"), secret_file=str(tmp_path / "secret"))


def test_there_may_be_several_each_under_an_alias() -> None:
    settings = from_environ(
        {
            "INSTALLED_EXTENSIONS": "crm:webhook;billing:webhook",
            "EXTENSION_CRM_URL": "https://crm.example.com",
            "EXTENSION_BILLING_URL": "https://billing.example.com",
        }
    )
    assert [(each.name, each.plugin, dict(each.options)) for each in settings.extensions] == [
        ("crm", "webhook", {"url": "https://crm.example.com"}),
        ("billing", "webhook", {"url": "https://billing.example.com"}),
    ]
