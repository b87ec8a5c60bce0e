"""What docs/plugins.md shows is run here, block by block."""

import asyncio
import dataclasses
import json
import logging
import re
import tomllib
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import dhq_auth
from dhq_auth.app import create_app
from dhq_auth.plugins import PluginError
from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.grant import MAX_SIZE, asking
from dhq_auth.settings import from_environ
from providers.http import Options
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import LocalServer
from tests.fixtures.service import FrozenClock, Service, Start, oidc
from tests.permissions.conftest import add
from tests.plugins.conftest import Write
from tests.self_service.people import ask, logged_in, registered

TEXT = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
MODULES = {
    match[1]: block
    for language, block in BLOCKS
    if language == "python" and (match := re.match(r"# (\w+)\.py\n", block))
}
ENVIRONMENTS = [
    dict(line.split("=", 1) for line in block.splitlines())
    for language, block in BLOCKS
    if language == "sh"
]
TOML = [tomllib.loads(block) for language, block in BLOCKS if language == "toml"]
JSON = [json.loads(block) for language, block in BLOCKS if language == "json"]

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def environment(plugin: str, **values: str) -> dict[str, str]:
    """Return the environment that is shown for *plugin*, with *values* in the place of some."""
    shown = next(each for each in ENVIRONMENTS if plugin in "".join(each.values()))
    assert values.keys() <= shown.keys()
    return {**shown, **values}


async def permissions(service: Service, token: str) -> Any:
    query = {"service": "notes", "jwt": token}
    answer = await service.browser.get("/auth/authorize", params=query)
    assert answer.status == 200
    return await answer.json()


def test_every_module_that_is_shown_is_run_here():
    assert set(MODULES) == {
        *("my_rights", "seniority", "members", "newcomers", "refusals", "newsletter", "badges")
    }
    assert len(MODULES) == sum(language == "python" for language, _ in BLOCKS)


@sqlite
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("my_rights", {"read": True, "write": False, "notes_per_day": 10}),
        ("members", {"read": True, "members": 1}),
    ],
)
async def test_the_providers_without_options(
    name: str, expected: object, start: Start, issuer: OidcIssuer, module: Write
):
    service = await start(
        issuer, **oidc(issuer), ALLOWED_SERVICES=f"notes:{module(MODULES[name], name)}"
    )
    answer = await permissions(service, await service.log_in("acme"))
    assert answer["permissions"] == expected


@sqlite
@pytest.mark.parametrize(("days", "publish"), [("30", False), ("0", True)])
async def test_the_full_form(
    days: str, publish: bool, start: Start, issuer: OidcIssuer, module: Write  # noqa: FBT001
):  # fmt: skip
    module(MODULES["seniority"], "seniority")
    environ = environment("notes:seniority", PROVIDER_NOTES_DAYS=days)
    service = await start(issuer, **oidc(issuer), **environ)
    answer = await permissions(service, await service.log_in("acme"))
    assert answer["permissions"] == {"read": True, "publish": publish}
    assert answer["fresh_for"] == 300


def test_options_that_are_refused_stop_the_start(module: Write):
    module(MODULES["seniority"], "seniority")
    settings = from_environ(environment("notes:seniority", PROVIDER_NOTES_DAYS="many"))
    with pytest.raises(PluginError, match=r"refused: DAYS: expected a number of days$"):
        create_app(settings)


@sqlite
async def test_the_extension(
    start: Start, issuer: OidcIssuer, module: Write, tmp_path: Path, clock: FrozenClock
):
    module(MODULES["newcomers"], "newcomers")
    file = tmp_path / "newcomers.txt"
    environ = environment("newcomers", EXTENSION_NEWCOMERS_FILE=str(file))
    service = await start(issuer, **oidc(issuer), **environ)
    profile: Any = (await service.check(await service.log_in("acme")))["profile"]
    await service.log_in("acme", browser=service.new_browser())
    when, _, who = file.read_text(encoding="utf-8").rpartition(": ")
    assert who == f"{profile['id']}\n"
    assert parsedate_to_datetime(when) == clock.now


def whole_texts(folder: Path) -> list[str]:
    """Return what is written in *folder*, but for what is just being written."""
    texts = [file.read_text(encoding="utf-8") for file in folder.iterdir()]
    return [text for text in texts if text.endswith("}")]


@pytest.mark.slow
@sqlite
async def test_the_extension_that_delivers(
    start: Start, issuer: OidcIssuer, module: Write, tmp_path: Path
):
    module(MODULES["newsletter"], "newsletter")
    environ = environment("newsletter", EXTENSION_NEWSLETTER_FOLDER=str(tmp_path / "spool"))
    (tmp_path / "spool").mkdir()
    service = await start(issuer, **oidc(issuer), **environ)
    await service.log_in("acme")
    async with asyncio.timeout(10):
        while not (texts := whole_texts(tmp_path / "spool")):  # noqa: ASYNC110 - nothing says when
            await asyncio.sleep(0.05)
    (told,) = map(json.loads, texts)
    assert told["type"] == "user.created"
    assert told["data"].keys() == {
        *("user_id", "detail", "actor", "address", "request_id", "user"),
    }


@sqlite
async def test_the_extension_that_hears_of_events(
    start: Start, issuer: OidcIssuer, module: Write, caplog: pytest.LogCaptureFixture
):
    name = module(MODULES["refusals"], "refusals")
    caplog.set_level(logging.WARNING)
    service = await start(issuer, **oidc(issuer), INSTALLED_EXTENSIONS=name)
    issuer.lies.id_token = {"aud": "somebody else"}
    assert (await service.callback("acme")).status == 502
    assert "refused at acme: " in caplog.text


@sqlite
async def test_the_file_of_static(start: Start, issuer: OidcIssuer, tmp_path: Path):
    shown = [block for language, block in BLOCKS if language == "toml"][1]
    (tmp_path / "permissions.toml").write_text(shown, encoding="utf-8")
    path = str(tmp_path / "permissions.toml")
    environ = environment("notes:static", PROVIDER_NOTES_FILE=path)
    service = await start(issuer, **oidc(issuer), **environ)
    answer = await permissions(service, await service.log_in("acme"))
    assert answer["permissions"] == {"read": True, "notes_per_day": 10}


class Rights(LocalServer):
    """Answers what is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[Any] = []

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [web.post("/permissions", self.answer)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer s3cret"
        self.questions.append(await request.json())
        return web.json_response(JSON[1])


@sqlite
async def test_the_question_and_the_answer_of_http(
    start: Start, issuer: OidcIssuer, tmp_path: Path
):
    (tmp_path / "token").write_text("s3cret", encoding="utf-8")
    async with Rights() as rights:
        environ = environment(
            "notes:http",
            PROVIDER_NOTES_URL=f"{rights.origin}/permissions",
            PROVIDER_NOTES_TOKEN_FILE=str(tmp_path / "token"),
        )
        service = await start(issuer, **oidc(issuer), **environ)
        answer = await permissions(service, await service.log_in("acme"))
    assert answer["permissions"] == JSON[1]["permissions"]
    question = rights.questions[0]
    assert set(JSON[0]) == set(question)
    assert set(JSON[0]["user"]) <= set(question["user"]) == dhq_auth.UserInfo.__required_keys__


@sqlite
async def test_what_is_shown_of_policies_is_what_they_say(start: Start):
    service = await start(**environment("notes:policies"))
    _, made = await ask(service, "POST", "/auth/setup")
    admin = await logged_in(service, made["username"], made["password"])
    for table, action, expression in [
        ("all", "all", "user_id = auth_user.id"),
        ("articles", "all", "auth_user.is_admin"),
        ("articles", "read", ""),
    ]:
        await add(admin, table, action, expression, "notes")
    alice = await registered(service)
    told = await permissions(service, alice.token)
    shown = json.loads(json.dumps(told).replace(alice.id, "0123"))
    assert [shown["permissions"], shown["filters"]] == JSON[2:4]
    assert JSON[4] == asking(AuthUser(id="0123", username="ada"), MAX_SIZE).filters


def test_the_options_of_http_are_all_told_with_their_defaults():
    told = dict(
        re.findall(r"^\| `([A-Z_]+)`(?:, or `TOKEN_FILE`)? \| (?:`(\w+)`)? ?\|", TEXT, re.MULTILINE)
    )
    variables = [field.metadata["variable"] for field in dataclasses.fields(Options)]
    assert {each.name: each.default or "" for each in variables} == told


def test_the_events_are_all_told_with_their_detail():
    told = {
        name: (kind, re.findall(r"`(\w+)`", detail))
        for kind, name, detail in re.findall(
            r"^\| `([a-z_.]+)` \| `([A-Z]\w+)` \| (.*) \|$", TEXT, re.MULTILINE
        )
    }
    classes = [getattr(dhq_auth, name) for name in dhq_auth.__all__]
    events = {
        each.__name__: (
            each.kind,
            [f.name for f in dataclasses.fields(each) if f.name != "user_id" and f.metadata.get("audited", True)],
        )
        for each in classes
        if isinstance(getattr(each, "kind", None), str)
    }  # fmt: skip
    assert told == events


def test_the_entry_points_are_those_that_are_looked_at():
    from dhq_auth.plugins.find import CREDENTIALS, EXTENSIONS, PROVIDERS  # noqa: PLC0415

    assert set(TOML[0]["project"]["entry-points"]) == {PROVIDERS, EXTENSIONS, CREDENTIALS}


@sqlite
async def test_the_kind_of_credential(
    start: Start, issuer: OidcIssuer, module: Write, tmp_path: Path
):
    module(MODULES["badges"], "badges")
    file = tmp_path / "badges.json"
    file.write_text('{"badge-7": "nobody yet"}', encoding="utf-8")
    before = await start(issuer, **oidc(issuer))
    profile: Any = (await before.check(await before.log_in("acme")))["profile"]
    file.write_text(json.dumps({"badge-7": profile["id"]}), encoding="utf-8")
    service = await start(**environment("badges", EXTENSION_BADGES_FILE=str(file)))
    assert (await service.check("badge-7"))["profile"] == profile
    assert (await service.check("badge-8"))["reason"] == "invalid"


@sqlite
async def test_the_environment_of_log_events(
    start: Start, issuer: OidcIssuer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "dhq_auth.events")
    service = await start(issuer, **oidc(issuer), **environment("log_events"))
    await service.log_in("acme")
    assert "login.succeeded" in caplog.text
