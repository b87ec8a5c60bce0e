"""The dashboard and the alerts ask for what is there."""

import json
import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Start, oidc
from tests.monitoring.exposed import scrape
from tests.monitoring.test_metrics import SQLITE, WRONG, registered

EXAMPLES: Final = Path(__file__).parents[2] / "examples" / "monitoring"
OF_PROMETHEUS: Final = {"job", "instance"}
"""The labels that Prometheus adds to what it has scraped."""
_METRIC: Final = re.compile(r"\b((?:dhq_auth|process)_\w+)(?:\{([^}]*)\})?")
_MATCHER: Final = re.compile(r"(\w+)\s*[=!]~?\s*\"")
_BY: Final = re.compile(r"\b(?:by|without|on)\s*\(([^)]*)\)")


def dashboard() -> dict[str, str]:
    """Return the expressions of the dashboard, by the titles of their panels."""
    document = json.loads((EXAMPLES / "dashboard.json").read_text())
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in document["panels"]
        for target in panel.get("targets", ())
    }


def alerts() -> dict[str, str]:
    """Return the expressions of the alerts, by their names."""
    document = yaml.safe_load((EXAMPLES / "alerts.yml").read_text())
    return {rule["alert"]: rule["expr"] for group in document["groups"] for rule in group["rules"]}


@SQLITE
@pytest.mark.slow
async def test_all_that_is_asked_for_is_exposed_with_its_labels(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(
        issuer,
        **oidc(issuer),
        LOGIN_ATTEMPTS="1",
        ALLOWED_SERVICES="notes:tests.contract.plain_provider",
        INSTALLED_EXTENSIONS="tests.monitoring.failing;tests.monitoring.carrier",
    )
    token = await registered(service)
    await service.log_in("acme")
    for _ in range(2):
        await service.program.post("/auth/login", json=WRONG)
    await service.program.get("/auth/authorize", params={"jwt": token, "service": "notes"})
    there = (await scrape(service.program)).labels()
    expressions = dashboard() | alerts()
    assert len(expressions) > 40
    for where, expression in expressions.items():
        asked = _METRIC.findall(expression)
        assert asked or expression.startswith("up{"), where
        labels = set(OF_PROMETHEUS)
        for name, matchers in asked:
            assert name in there, (where, name)
            labels |= there[name]
            assert set(_MATCHER.findall(matchers)) <= there[name] | OF_PROMETHEUS, (where, name)
        grouped = {name.strip() for names in _BY.findall(expression) for name in names.split(",")}
        assert grouped <= labels, where


def test_the_dashboard_asks_whichever_source_is_chosen() -> None:
    document = json.loads((EXAMPLES / "dashboard.json").read_text())
    sources = {
        part["datasource"]["uid"]
        for panel in document["panels"]
        if panel["type"] != "row"
        for part in (panel, *panel["targets"])
    }
    assert sources == {"${datasource}"}
    assert document["templating"]["list"][0]["type"] == "datasource"
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))


def test_prometheus_reads_the_alerts_that_stand_beside_its_configuration() -> None:
    document = yaml.safe_load((EXAMPLES / "prometheus.yml").read_text())
    assert [(EXAMPLES / name).exists() for name in document["rule_files"]] == [True]
    (job,) = document["scrape_configs"]
    assert f'job="{job["job_name"]}"' in alerts()["DhqAuthDown"]


@SQLITE
async def test_every_metric_is_described_for_operators(start: Start) -> None:
    service = await start()
    described = (EXAMPLES.parents[1] / "docs" / "monitoring.md").read_text()
    text = (await scrape(service.program)).text
    names = re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)
    assert len(names) > 20
    assert not [name for name in names if f"`{name.removeprefix('dhq_auth_')}`" not in described]
