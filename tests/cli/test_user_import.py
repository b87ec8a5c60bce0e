"""Users of other systems, with the hashes of their passwords."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from argon2 import PasswordHasher

from dhq_auth.cli.user.bulk import MAX_LINE
from tests.cli import heard
from tests.cli.conftest import Cli, Ended
from tests.fixtures.service import Start
from tests.self_service.people import GOOD, logged_in

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SALT = "c2FsdA"


def django() -> str:
    digest = hashlib.pbkdf2_hmac("sha256", GOOD.encode(), SALT.encode(), 1000)
    return f"pbkdf2_sha256$1000${SALT}${b64encode(digest).decode()}"


HASHES = {
    "bcrypt": bcrypt.hashpw(GOOD.encode(), bcrypt.gensalt(4)).decode(),
    "pbkdf2": django(),
    "argon2": PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(GOOD),
}


def lines(*users: object) -> str:
    return "".join(f"{json.dumps(user)}\n" for user in users)


def imported(cli: Cli, text: str | bytes, **environ: str) -> Ended:
    return cli("user", "import", "-", "--json", stdin=text, **environ)


def users(cli: Cli) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cli("user", "list", "--json").json["items"]
    return items


@pytest.mark.slow
async def test_imported_users_log_in_with_the_password_that_they_had(
    start: Start, on_database: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "users.jsonl"
    file.write_text(
        lines(
            *(
                {"username": name, "email": f"{name}@example.com", "password_hash": stored}
                for name, stored in HASHES.items()
            ),
            {"email": "provider@example.com", "first_name": "P", "is_admin": True},
        )
        + "\n"
    )
    ended = await on_database.aside("user", "import", str(file), "--json")
    assert ended.code == 0, ended.err
    assert ended.json["added"] == len(HASHES) + 1
    service = await start(PASSWORD_CHECKS="100000")
    for name in HASHES:
        person = await logged_in(service, name)
        assert person.id in ended.json["ids"]
        await person.again()
    last = (await on_database.aside("user", "show", "provider@example.com", "--json")).json
    assert (last["is_admin"], last["has_password"], last["email_verified"]) == (True, False, True)


@sqlite
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "longer than"),
        ("[" * 50_000, "not JSON"),
        ('{"username": "eve", "password": "x"}', "unknown: password"),
        ('{"username": "eve", "id": "1"}', "unknown: id"),
        ('{"name": "Eve"}', "Give a username or an email"),
        ('{"username": 7}', "username must be a text"),
        ('{"username": "e v e"}', "A username has"),
        ('{"email": "eve"}', "name@example.com"),
        ('{"username": "eve", "name": "\\u0000"}', "one line"),
        ('{"username": "eve", "is_admin": "no"}', "is_admin must be"),
        ('{"username": "eve", "password_hash": "5f4dcc3b5aa765d61d8327deb882cf99"}', "expected:"),
        ('{"username": "eve", "password_hash": "$2b$31$%s"}' % ("a" * 53), "rounds"),
        ('{"username": "FIRST"}', "This username is taken"),
        ('{"email": "First@example.com"}', "an account with this email"),
    ],
    ids=[
        *("half", "list", "endless", "deep", "password", "id", "nobody", "number", "blanks"),
        *("no_email", "nul", "flag", "md5", "cost", "twice", "email_twice"),
    ],
)
def test_one_bad_line_is_named_and_nobody_is_added(on_database: Cli, line: str, told: str) -> None:
    good = lines({"username": "first", "email": "first@example.com"})
    ended = imported(on_database, f"{good}{line}\n{lines({'username': 'last'})}")
    assert (ended.code, ended.out) == (1, "")
    (fault, end) = ended.err.splitlines()
    assert fault.startswith("line 2: ")
    assert told in fault
    assert end == "nobody was added"
    assert users(on_database) == []


@sqlite
def test_all_bad_lines_are_named_at_once(on_database: Cli) -> None:
    ended = imported(on_database, b'{\n\xff\n{"username": "ok"}\n[]\n')
    assert [line.partition(":")[0] for line in ended.err.splitlines()] == [
        *("line 1", "line 2", "line 4", "nobody was added")
    ]


def test_who_is_there_already_is_named(on_database: Cli) -> None:
    on_database("user", "add", "ada", "--no-password")
    ended = imported(on_database, lines({"username": "bob"}, {"username": "ada"}))
    assert ended.code == 1
    assert ended.err.startswith("line 2: This username is taken")
    assert [user["username"] for user in users(on_database)] == ["ada"]


@sqlite
def test_a_file_that_is_not_there_is_wrong_usage(on_database: Cli) -> None:
    assert on_database("user", "import", "nowhere.jsonl").code == 2


@sqlite
def test_nothing_is_nobody(on_database: Cli) -> None:
    assert imported(on_database, "\n \n").json == {"added": 0, "ids": []}


@sqlite
def test_a_line_of_the_greatest_length_is_read_to_its_end(on_database: Cli) -> None:
    line = lines({"username": "ada"}).strip()
    padded = line + " " * (MAX_LINE - len(line) - 1) + "\n"
    assert imported(on_database, padded + lines({"username": "bob"})).json["added"] == 2
    ended = imported(on_database, f"{'x' * (3 * MAX_LINE)}\n{{\n")
    assert [each.partition(":")[0] for each in ended.err.splitlines()] == [
        *("line 1", "line 2", "nobody was added")
    ]


@sqlite
def test_extensions_hear_of_each(on_database: Cli) -> None:
    heard.TOLD.clear()
    ended = imported(
        on_database,
        lines(*({"username": f"user{number}"} for number in range(30))),
        INSTALLED_EXTENSIONS="tests.cli.heard",
    )
    assert [("new", user_id) for user_id in ended.json["ids"]] == heard.TOLD
