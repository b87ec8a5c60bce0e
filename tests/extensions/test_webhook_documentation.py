"""docs/webhooks.md is right about options, payload and numbers."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks import WebhookVerificationError

from dhq_auth.events import LoggedIn, Source
from dhq_auth.metrics import Metrics
from dhq_auth.outbox.numbers import Numbers
from dhq_auth.outbox.owed import payload_of
from dhq_auth.outbox.schedule import WAITS
from extensions.webhook import Options, configure
from tests.extensions.test_webhook import DELIVERY, NOW
from tests.fakes.receiver import SECRET, Receiver

TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_every_option_is_told_with_its_default() -> None:
    told = dict(
        re.findall(r"^\| `EXTENSION_WEBHOOK_(\w+)`[^|]*\| (?:`([^`]+)`)? ?\|", TEXT, re.MULTILINE)
    )
    variables = [field.metadata["variable"] for field in dataclasses.fields(Options)]
    assert {each.name: each.default or "" for each in variables} == told


def test_the_payload_that_is_shown_is_one() -> None:
    (shown,) = [json.loads(text) for language, text in BLOCKS if language == "json"]
    event = LoggedIn(
        user_id="0123", provider="google", session_id="4567", user_info=shown["data"]["user"]
    )
    assert payload_of(event, Source("192.0.2.1", "89ab"), NOW) == shown


def test_the_examples_of_receivers_can_be_configured() -> None:
    (several,) = [text for language, text in BLOCKS if "BILLING" in text]
    options: dict[str, dict[str, str]] = {"CRM": {}, "BILLING": {}}
    for name, option, value in re.findall(r"EXTENSION_([A-Z]+)_([A-Z]+)=(\S+)", several):
        options[name][option.lower()] = value
    billing = configure({**options["BILLING"], "secret": SECRET})
    assert not billing.subscribes("logout")
    assert configure({**options["CRM"], "secret": SECRET}).subscribes("logout")


async def test_the_python_that_is_shown_verifies() -> None:
    (source,) = [text for language, text in BLOCKS if language == "python"]
    shown: dict[str, Any] = {}
    exec(source, shown)  # noqa: S102 - it is what the page tells people to run
    sent: list[tuple[bytes, dict[str, str]]] = []

    async def keep(request: web.Request) -> web.Response:
        sent.append((await request.read(), dict(request.headers)))
        return web.Response()

    async with Receiver() as receiver:
        receiver.faults["hook"] = lambda request, _: keep(request)
        webhook = configure({"url": receiver.url, "secret": SECRET})
        await webhook.deliver(DELIVERY)
        await webhook.close()
    ((body, headers),) = sent
    assert shown["receive"](body, headers, SECRET) == DELIVERY.payload
    with pytest.raises(WebhookVerificationError):
        shown["receive"](body + b" ", headers, SECRET)


def test_the_waits_are_those_of_the_schedule() -> None:
    said = re.search(r"after (\d+) seconds, (\d+) minutes, (\d+) minutes, ([\d, and]+) hours", TEXT)
    assert said is not None
    hours = [int(number) * 3600 for number in re.findall(r"\d+", said[4])]
    told = [int(said[1]), int(said[2]) * 60, int(said[3]) * 60, *hours]
    assert told == [wait.total_seconds() for wait in WAITS]


def test_the_numbers_have_the_names_that_are_told() -> None:
    metrics = Metrics()
    numbers = Numbers(metrics, ["webhook"])
    numbers.tried("webhook", "failed")
    numbers.owed({"webhook": (3, NOW.replace(hour=11))}, NOW)
    page = metrics.exposition().decode()
    for name in re.findall(r"`(dhq_auth_\w+)`", TEXT):
        assert f"# TYPE {name} " in page
    assert 'dhq_auth_deliveries_owed{extension="webhook"} 3.0' in page
    assert 'dhq_auth_deliveries_oldest_seconds{extension="webhook"} 3600.0' in page
    assert 'tried_total{extension="webhook",outcome="failed"} 1.0' in page
