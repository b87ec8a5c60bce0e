"""Users from the command line."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dhq_auth.cli.passwords import MOST
from tests.cli.conftest import Cli, Ended
from tests.fixtures.service import Start
from tests.self_service.people import (
    BETTER,
    GOOD,
    ask,
    logged_in,
)

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def add(cli: Cli, *arguments: str, password: str = GOOD) -> Ended:
    return cli("user", "add", *arguments, "--password-stdin", "--json", stdin=f"{password}\n")


def users(cli: Cli) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cli("user", "list", "--json").json["items"]
    return items


def stored(cli: Cli, path: Path) -> bytes:
    """Return all that lies in the SQLite database."""
    return b"".join(file.read_bytes() for file in path.glob("dhq-auth.db*"))


@pytest.mark.slow
def test_a_user_is_added_with_a_hash_and_the_password_is_nowhere(
    on_database: Cli, tmp_path: Path
) -> None:
    ended = add(on_database, "ada", "--email", "ada@example.com", "--name", "Ada", "--admin")
    assert ended.code == 0, ended.err
    (listed,) = users(on_database)
    assert listed == ended.json
    assert (listed["username"], listed["email"], listed["email_verified"], listed["is_admin"]) == (
        *("ada", "ada@example.com"),
        *(True, True),
    )
    if "sqlite" in on_database.environ["DATABASE_URL"]:
        assert b"$argon2id$" in stored(on_database, tmp_path)
        assert GOOD.encode() not in stored(on_database, tmp_path)
    assert GOOD not in ended.out + ended.err


@pytest.mark.slow
@sqlite
def test_create_user_is_the_same(on_database: Cli) -> None:
    ended = on_database("create-user", "ada", "--password-stdin", stdin=GOOD)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("added ada (")


@sqlite
def test_two_users_have_two_opaque_ids(on_database: Cli) -> None:
    ids = [
        on_database("user", "add", name, "--no-password", "--json").json["id"]
        for name in ("ada", "bob")
    ]
    assert len({*ids}) == 2
    assert all(len(user_id) >= 32 for user_id in ids)


@sqlite
def test_a_name_with_an_at_is_an_email(on_database: Cli) -> None:
    made = on_database("user", "add", "ada@example.com", "--no-password", "--json").json
    assert (made["username"], made["email"], made["email_verified"]) == (
        *(None, "ada@example.com"),
        True,
    )
    ended = on_database("user", "add", "bob@example.com", "--email", "b@example.com", "--generate")
    assert ended.code == 2


@sqlite
@pytest.mark.parametrize(
    ("arguments", "password", "told"),
    [
        (("ada",), "short", "at least 15"),
        (("ada",), "", "at least 15"),
        (("ada",), "aaaaaaaaaaaaaaaaaaaa", "repeats"),
        (("ada@example.com",), "ada@example.com", "email"),
        (("ada lovelace",), GOOD, "username"),
        (("ada", "--email", "nowhere"), GOOD, "name@example.com"),
        (("ada", "--name", "two\nlines"), GOOD, "one line"),
    ],
    ids=["short", "empty", "repeated", "context", "username", "email", "name"],
)
def test_what_breaks_the_rules_is_refused_and_nothing_is_written(
    on_database: Cli, arguments: tuple[str, ...], password: str, told: str
) -> None:
    ended = add(on_database, *arguments, password=password)
    assert (ended.code, ended.out) == (1, "")
    assert told in ended.err
    assert users(on_database) == []


@sqlite
@pytest.mark.parametrize(
    ("raw", "told"),
    [(b"\xff" * 20, "UTF-8"), (b"x" * (MOST + 1), "too long")],
    ids=["no_text", "endless"],
)
def test_what_is_no_password_on_standard_input_is_refused(
    on_database: Cli, raw: bytes, told: str
) -> None:
    ended = on_database("user", "add", "ada", "--password-stdin", stdin=raw)
    assert ended.code == 1
    assert told in ended.err
    assert users(on_database) == []


@pytest.mark.slow
@sqlite
def test_the_password_is_asked_for_twice(on_database: Cli) -> None:
    ended = on_database("user", "add", "ada", stdin=f"{GOOD}\n{GOOD}\n")
    assert ended.code == 0
    assert GOOD not in ended.out + ended.err


@sqlite
def test_two_passwords_that_differ_are_refused(on_database: Cli) -> None:
    ended = on_database("user", "add", "ada", stdin=f"{GOOD}\n{BETTER}\n")
    assert (ended.code, ended.out.strip()) == (1, "")
    assert "differ" in ended.err
    assert users(on_database) == []


@sqlite
def test_a_prompt_that_nobody_answers_adds_nobody(on_database: Cli) -> None:
    assert on_database("user", "add", "ada", stdin="").code == 1
    assert users(on_database) == []


@pytest.mark.parametrize(
    "arguments",
    [("ada",), ("ADA",), ("other", "--email", "Ada@example.com")],
    ids=["name", "case", "email"],
)
def test_what_is_there_already_is_refused_clearly(
    on_database: Cli, arguments: tuple[str, ...]
) -> None:
    on_database("user", "add", "ada", "--email", "ada@example.com", "--no-password")
    ended = on_database("user", "add", *arguments, "--no-password")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err in {
        "This username is taken; choose another one.\n",
        "There is an account with this email already.\n",
    }
    assert len(users(on_database)) == 1


@sqlite
@pytest.mark.parametrize(
    "ways", [("--generate", "--password-stdin"), ("--generate", "--no-password")]
)
def test_there_is_one_way_to_give_a_password(on_database: Cli, ways: tuple[str, ...]) -> None:
    ended = on_database("user", "add", "ada", *ways)
    assert (ended.code, ended.out) == (2, "")
    assert users(on_database) == []


@sqlite
def test_no_command_takes_a_password_as_an_argument(on_database: Cli) -> None:
    for command in (("user", "add", "ada"), ("user", "set-password", "ada")):
        assert on_database(*command, "--password", GOOD).code == 2
        assert on_database(*command, GOOD).code == 2


@pytest.mark.slow
@sqlite
async def test_a_password_that_was_made_here_counts_for_seven_days(
    start: Start, on_database: Cli
) -> None:
    made = (await on_database.aside("user", "add", "ada", "--generate", "--json")).json
    assert len(made["password"]) >= 20
    service = await start()
    await logged_in(service, "ada", made["password"])
    service.clock.advance(days=8)
    sent = {"username": "ada", "password": made["password"]}
    assert (await ask(service, "POST", "/auth/login", json=sent))[0] == 401
    shown = (await on_database.aside("user", "show", "ada", "--json")).json
    assert shown["password_expires_at"]
    assert "password" not in shown


@pytest.mark.slow
@sqlite
def test_the_list_goes_on_where_it_ended(on_database: Cli) -> None:
    for name in ("one", "two", "three"):
        on_database("user", "add", name, "--no-password")
    first = on_database("user", "list", "--limit", "2", "--json").json
    rest = on_database("user", "list", "--after", first["next"], "--json").json
    assert [user["username"] for user in first["items"] + rest["items"]] == ["one", "two", "three"]
    assert rest["next"] is None
    text = on_database("user", "list", "--limit", "2")
    assert "one" in text.out
    assert first["next"] in text.err
    assert on_database("user", "list", "--after", "x").code == 1


@sqlite
def test_an_extension_that_does_not_load_refuses_before_anything_changes(on_database: Cli) -> None:
    ended = on_database("user", "add", "ada", "--no-password", INSTALLED_EXTENSIONS="tests.nowhere")
    assert ended.code == 1
    assert "INSTALLED_EXTENSIONS" in ended.err
    assert users(on_database) == []


def test_a_database_that_is_not_there_is_not_made(cli: Cli, tmp_path: Path) -> None:
    assert cli("user", "list").code == 1
    assert cli("user", "add", "ada", "--no-password").code == 1


@sqlite
@pytest.mark.process
def test_a_prompt_on_a_terminal_shows_nothing_of_the_password(on_database: Cli) -> None:
    program, terminal = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own
        [Path(sys.executable).with_name("dhq-auth"), "user", "add", "ada"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, **on_database.environ},
        start_new_session=True,
    )
    os.close(terminal)
    seen = b""
    for _ in range(2):
        while not seen.endswith(b": "):
            seen += os.read(program, 1024)
        os.write(program, f"{GOOD}\n".encode())
        seen += b"\n"
    while b"added" not in seen:
        seen += os.read(program, 1024)
    assert process.wait(timeout=30) == 0
    os.close(program)
    assert GOOD.encode() not in seen
    assert users(on_database)[0]["username"] == "ada"
