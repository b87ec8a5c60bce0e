"""What the templates lead to exists; what the pages allow themselves is as little as can be."""

import re
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from dhq_auth.app import create_app
from dhq_auth.settings import from_environ
from dhq_auth.web.headers import CONTENT_SECURITY_POLICY, policy_with_forms_to
from dhq_auth.web.render import PACKAGE
from tests.fakes.sample_pages import SAMPLES

OWN_FILES = {"/static/simple.min.css", "/static/pages.css", "/static/icon.svg"}
FROM_SETTINGS = {"/auth/login/google", "/auth/login/github", "/auth/login/acme"}


@pytest.fixture
def routes(tmp_path: Path) -> set[tuple[str, str]]:
    """Methods and paths of the service."""
    app: web.Application = create_app(from_environ({"DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}))
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None
    }


async def test_every_form_and_link_leads_to_a_route(
    samples: str, routes: set[tuple[str, str]]
) -> None:
    async with ClientSession() as client:
        for name in SAMPLES:
            async with client.get(f"{samples}/{name}") as answer:
                text = await answer.text()
            forms = re.findall(r'<form method="(\w+)" action="([^"]*)"', text)
            assert len(forms) == text.count("<form")
            links = {("get", path) for path in re.findall(r'href="(/[^"?]*)', text)}
            for method, path in {*forms, *links}:
                known = (method.upper(), path) in routes or path in OWN_FILES | FROM_SETTINGS
                assert known, (name, method, path)


def test_every_template_is_among_the_samples() -> None:
    used = {template for template, _ in SAMPLES.values()}
    parts = {"base.html", "account.html", "forms.html"}
    assert used | parts == {path.name for path in (PACKAGE / "templates").iterdir()}


@pytest.mark.parametrize("name", SAMPLES)
async def test_no_page_needs_a_script_or_a_style_of_its_own(samples: str, name: str) -> None:
    async with ClientSession() as client, client.get(f"{samples}/{name}") as answer:
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["Cache-Control"] == "no-store"
        text = await answer.text()
    assert re.findall(r"<(?:script|style|iframe|base|object)\b", text) == []
    assert re.findall(r"<[^>]*\s(?:style|on\w+)\s*=[^>]*>", re.sub(r'"[^"]*"', '""', text)) == []


@pytest.mark.parametrize(
    ("targets", "form_action"),
    [
        ([], "form-action 'self'"),
        (["https://app.example.com/a?b=c#d"], "form-action 'self' https://app.example.com"),
        (["http://localhost:3000"], "form-action 'self' http://localhost:3000"),
        (["https://a.example", "https://a.example/x"], "form-action 'self' https://a.example"),
        # The grammar of a policy has no IPv6 addresses.
        (["http://[::1]:3000/"], "form-action 'self' http:"),
    ],
)
def test_a_form_may_lead_to_the_application_and_nowhere_else(
    targets: list[str], form_action: str
) -> None:
    policy = policy_with_forms_to(targets)
    assert [part for part in policy.split("; ") if part.startswith("form-action")] == [form_action]
    rest = policy.replace(form_action, "form-action 'self'")
    assert rest == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "target",
    ["https://a.example; script-src *", "javascript:alert(1)", "*", "", "/profile", "data:x"],
)
def test_what_is_no_address_comes_into_no_policy(target: str) -> None:
    with pytest.raises(ValueError, match=r"it "):
        policy_with_forms_to([target])
