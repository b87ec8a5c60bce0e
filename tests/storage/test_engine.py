"""The asyncio engine comes without the ORM, and the ORM is there for whoever wants it."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow  # a process for each
AFTERWARDS = {
    "a plugin may use sessions": "from sqlalchemy.ext.asyncio import AsyncSession; AsyncSession()",
    "the engine stays the same": (
        "import sqlalchemy.ext.asyncio as whole; from dhq_auth.engine import AsyncEngine;"
        "assert whole.AsyncSession and whole.AsyncEngine is AsyncEngine"
    ),
}


def run(program: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)  # noqa: S603


def test_the_service_does_not_load_the_orm():
    run("import sys, dhq_auth.app; assert 'sqlalchemy.orm' not in sys.modules")


@pytest.mark.parametrize("program", AFTERWARDS.values(), ids=AFTERWARDS)
def test_who_asks_for_it_gets_the_whole_package(program):
    run(f"import dhq_auth.app; {program}")


def test_a_package_that_was_loaded_before_is_left_alone():
    run(
        "import sqlalchemy.ext.asyncio as p, dhq_auth.db as db; assert p.AsyncEngine is db.AsyncEngine"
    )
