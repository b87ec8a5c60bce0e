"""What commands change of users: rights, passwords, links; beside a service that runs."""

from typing import Any

import pytest

from tests.cli import heard
from tests.cli.conftest import Cli
from tests.fixtures.service import Start
from tests.self_service.people import (
    BETTER,
    GOOD,
    ask,
    has_ended,
    is_known,
    is_signed_in,
    logged_in,
    registered,
)

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def users(cli: Cli) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cli("user", "list", "--json").json["items"]
    return items


@pytest.mark.slow
async def test_commands_work_beside_a_running_service(start: Start, on_database: Cli) -> None:
    service = await start(PASSWORD_CHECKS="100000")
    ended = await on_database.aside(
        "user", "add", "ada", "--password-stdin", "--admin", "--json", stdin=GOOD
    )
    ada = await logged_in(service, "ada", GOOD)
    assert ada.id == ended.json["id"]
    assert (await ada.call("GET", "/auth/users"))[0] == 200
    bob = await registered(service, "bob")
    assert (await on_database.aside("user", "set-admin", "bob", "on")).code == 0
    assert (await bob.call("GET", "/auth/users"))[0] == 200
    assert (await on_database.aside("user", "set-admin", "ada", "off")).code == 0
    assert (await ada.call("GET", "/auth/users"))[0] == 403
    assert (await on_database.aside("user", "disable", "ada")).code == 0
    assert await has_ended(service, ada.token)  # by another process
    assert not await is_signed_in(ada.browser)
    assert (await on_database.aside("user", "enable", "ada")).code == 0
    await ada.again()
    assert (await on_database.aside("user", "delete", "ada")).code == 0
    assert (await bob.call("GET", f"/auth/users/{ada.id}"))[0] == 404


@pytest.mark.slow
@sqlite
async def test_a_password_set_by_the_operator_ends_everything(
    start: Start, on_database: Cli
) -> None:
    service = await start(PASSWORD_CHECKS="100000")
    ada = await registered(service, "ada")
    token = (await ada.make_token(title="script"))["token"]
    ended = await on_database.aside("user", "set-password", "ada", "--password-stdin", stdin=BETTER)
    assert ended.code == 0, ended.err
    assert await has_ended(service, ada.token)  # by another process
    assert not await is_known(service, token)
    sent = {"username": "ada", "password": GOOD}
    assert (await ask(service, "POST", "/auth/login", json=sent))[0] == 401
    await logged_in(service, "ada", BETTER)
    weak = await on_database.aside("user", "set-password", "ada", "--password-stdin", stdin="ada")
    assert weak.code == 1
    await logged_in(service, "ada", BETTER)


@pytest.mark.parametrize(
    "command", [("set-admin", "ada", "off"), ("disable", "ada"), ("delete", "ada")]
)
def test_the_last_administrator_stays(on_database: Cli, command: tuple[str, ...]) -> None:
    on_database("user", "add", "ada", "--no-password", "--admin")
    ended = on_database("user", *command)
    assert (ended.code, ended.out) == (1, "")
    assert "last administrator" in ended.err
    assert users(on_database)[0]["is_admin"]


@sqlite
@pytest.mark.parametrize(
    "command",
    [
        ("show", "nobody"),
        ("set-admin", "nobody", "on"),
        ("disable", "nobody"),
        ("enable", "nobody"),
        ("delete", "nobody"),
        ("delete", "nobody@example.com"),
        ("delete", ""),
        ("delete", "\x1b[31m"),
        ("set-password", "nobody", "--generate"),
    ],
)
def test_who_is_not_there_is_refused(on_database: Cli, command: tuple[str, ...]) -> None:
    ended = on_database("user", *command)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("there is no user")
    assert "\x1b" not in ended.err


@pytest.mark.slow
@sqlite
def test_a_user_is_named_by_id_name_or_email_however_spelt(on_database: Cli) -> None:
    made = on_database(
        "user", "add", "ada", "--email", "ada@example.com", "--no-password", "--json"
    ).json
    for name in (made["id"], "ada", "ADA", "ada@example.com", "Ada@Example.com"):
        assert on_database("user", "show", name, "--json").json["id"] == made["id"]


@pytest.mark.slow
@sqlite
async def test_an_email_that_several_claim_names_none_of_them(
    start: Start, on_database: Cli
) -> None:
    service = await start(PASSWORD_CHECKS="100000")
    eve = await registered(service, "eve", email="ada@example.com")
    shown = await on_database.aside("user", "show", "ada@example.com", "--json")
    assert shown.json["id"] == eve.id
    ada = await registered(service, "ada", email="ada@example.com")
    ended = await on_database.aside("user", "delete", "ada@example.com")
    assert ended.code == 1
    assert eve.id in ended.err
    assert ada.id in ended.err
    assert await is_known(service, eve.token)


@pytest.mark.slow
@sqlite
async def test_extensions_hear_of_what_commands_do(start: Start, on_database: Cli) -> None:
    heard.TOLD.clear()
    cli = Cli(**on_database.environ, INSTALLED_EXTENSIONS="tests.cli.heard")
    made = await cli.aside("user", "add", "ada", "--password-stdin", "--json", stdin=GOOD)
    assert [("new", made.json["id"])] == heard.TOLD
    service = await start()
    await logged_in(service, "ada")
    await cli.aside("user", "disable", "ada")
    assert [("new", made.json["id"]), ("logout", made.json["id"])] == heard.TOLD
    assert (await cli.aside("user", "add", "ada", "--no-password")).code == 1
    assert len(heard.TOLD) == 2


@pytest.mark.slow
@sqlite
def test_changes_are_remembered_as_the_operator_s(on_database: Cli) -> None:
    made = on_database("user", "add", "ada", "--no-password", "--json").json
    on_database("user", "disable", "ada")
    on_database("user", "set-password", "ada", "--generate")
    events = on_database("audit", "list", "--user", made["id"], "--json").json["items"]
    assert [event["kind"] for event in events] == [
        *("password.changed", "user.changed", "user.created")
    ]
    assert events[0]["detail"]["by"] == events[1]["detail"]["by"] == "operator"


@pytest.mark.slow
def test_a_password_that_was_made_ends_and_one_that_was_given_does_not(on_database: Cli) -> None:
    def ends() -> str | None:
        shown = on_database("user", "show", "ada", "--json").json
        end: str | None = shown["password_expires_at"]
        return end

    on_database("user", "add", "ada", "--no-password")
    on_database("user", "set-password", "ada", "--generate")
    assert ends() is not None
    on_database("user", "set-password", "ada", "--password-stdin", stdin=GOOD)
    assert ends() is None


TRUSTED = {
    "TRUSTED_ISSUERS": "corp",
    "ISSUER_CORP_URL": "https://corp.example.com",
}


@pytest.mark.slow
def test_a_user_is_linked_to_a_subject_of_a_trusted_issuer_once(on_database: Cli) -> None:
    on_database("user", "add", "ada", "--no-password")
    for issuer in ("corp", "https://corp.example.com"):
        ended = on_database("user", "link", "ada", issuer, f"u-{issuer}", "--json", **TRUSTED)
        assert ended.code == 0, ended.err
        assert ended.json["linked"]["issuer"] == "https://corp.example.com"
    shown = on_database("user", "show", "ada", "--json").json
    assert {each["subject"] for each in shown["identities"]} == {
        *("u-corp", "u-https://corp.example.com")
    }
    linked = on_database("audit", "list", "--kind", "identity.linked", "--json").json["items"]
    assert [each["detail"]["how"] for each in linked] == ["operator"] * 2
    on_database("user", "add", "bob", "--no-password")
    ended = on_database("user", "link", "bob", "corp", "u-corp", **TRUSTED)
    assert ended.code == 1
    assert "is ada" in ended.err


@sqlite
@pytest.mark.parametrize(
    ("arguments", "environ", "code"),
    [
        (("corp", "42"), {}, 1),
        (("elsewhere", "42"), TRUSTED, 1),
        (("corp", "42"), {**TRUSTED, "ISSUER_CORP_SUBJECTS": "local"}, 1),
        (("corp", ""), TRUSTED, 2),
        (("corp", "x" * 256), TRUSTED, 2),
        (("corp", "a\nb"), TRUSTED, 2),
    ],
    ids=["none", "unknown", "local", "blank", "long", "lines"],
)
def test_a_link_that_would_never_count_is_refused(
    on_database: Cli, arguments: tuple[str, ...], environ: dict[str, str], code: int
) -> None:
    on_database("user", "add", "ada", "--no-password")
    ended = on_database("user", "link", "ada", *arguments, **environ)
    assert (ended.code, ended.out) == (code, "")
    assert on_database("user", "show", "ada", "--json").json["identities"] == []
