"""The first administrator, from the command line."""

import pytest

from dhq_auth.administration.setup_file import code_file
from tests.cli.conftest import Cli
from tests.fixtures.service import Start
from tests.self_service.people import ask, logged_in

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.slow
async def test_the_credentials_are_printed_once_and_the_service_takes_them(
    start: Start, on_database: Cli
) -> None:
    service = await start()
    assert code_file(service.settings).exists()
    made = (await on_database.aside("setup", "--json")).json
    assert made.keys() == {"username", "password"}
    assert len(made["password"]) >= 20
    assert not code_file(service.settings).exists()
    admin = await logged_in(service, "admin", made["password"])
    assert (await admin.call("GET", "/auth/users"))[0] == 200
    again = await on_database.aside("setup")
    assert (again.code, again.out) == (1, "")
    assert again.err == "There is an administrator already; the setup works once.\n"
    assert (await ask(service, "POST", "/auth/setup"))[0] == 409


@sqlite
@pytest.mark.slow
def test_the_text_says_name_password_and_until_when(on_database: Cli) -> None:
    ended = on_database("setup")
    name, password = ended.out.splitlines()
    assert name == "username: admin"
    assert password.startswith("password: ")
    assert "7 days" in ended.err


@sqlite
def test_where_an_administrator_was_added_there_is_no_setup(on_database: Cli) -> None:
    on_database("user", "add", "ada", "--no-password", "--admin")
    assert on_database("setup").code == 1


@sqlite
def test_where_there_are_no_passwords_it_is_said_what_to_do(on_database: Cli) -> None:
    ended = on_database("setup", PASSWORD_LOGIN="off")
    assert (ended.code, ended.out) == (1, "")
    assert "set-admin" in ended.err


def test_a_database_that_is_not_up_to_date_is_said_to_be(cli: Cli) -> None:
    ended = cli("setup")
    assert ended.code == 1
    assert "db check" in ended.err
