"""What a start does not load, since it costs time then and memory ever after."""

import subprocess
import sys
from pathlib import Path

import pytest

from dhq_auth import migrations
from dhq_auth.db import Database

START = """
import asyncio, sys
from aiohttp.web_runner import AppRunner
from dhq_auth.settings import from_environ

async def start():
    settings = from_environ({"DATABASE_URL": sys.argv[1], "SECRET_KEY": "s" * 48})
    runner = AppRunner(load("dhq_auth.app:create_app")(settings))
    await runner.setup()
    print(*sys.modules)
    await runner.cleanup()

asyncio.run(start())
"""
LOADING = """
from dhq_auth.serving import loading
with loading.for_good():
    from dhq_auth.serving.run import load
    load("dhq_auth.app:create_app")
"""
UNUSED = {
    "aiohttp.client": "nobody is called",
    "aiohttp.connector": "it reads all certificates that the machine trusts",
    "alembic": "the database is up to date",
    "asyncpg": "it is SQLite",
    "bcrypt._bcrypt": "no password of another system was asked for",
    "authlib": "no login provider is set",
    "cryptography.x509.name": "no key is in a certificate",
    "jinja2": "no page was asked for",
    "joserfc.jwe": "nothing is encrypted",
    "opentelemetry": "no traces are exported",
    "prometheus_client.exposition": "no number was asked for",
    "sqlalchemy.dialects.postgresql": "it is SQLite",
    "sqlalchemy.orm": "nothing here maps objects",
    "typer": "it is no command",
    "dhq_auth.cli": "it is no command",
}
LATER = {
    "the client of aiohttp": "import aiohttp; assert issubclass(aiohttp.ClientSession, object)",
    "a name that is nowhere": "import aiohttp; assert not hasattr(aiohttp, 'nowhere')",
    "its version": "import aiohttp; assert aiohttp.__version__[0].isdigit()",
    "bcrypt": "import bcrypt; assert bcrypt.checkpw(b'a', bcrypt.hashpw(b'a', bcrypt.gensalt(4)))",
    "keys of SSH": (
        "from bcrypt import kdf; assert len(kdf(b'a', b'salt', 8, 1, ignore_few_rounds=True)) == 8"
    ),
    "certificates": "from cryptography import x509; assert x509.Name([]) is not None",
    "a function of it": (
        "from joserfc._rfc7517 import pem\n"
        "try: pem.load_pem_x509_certificate(b'')\nexcept ValueError: pass\n"
        "else: raise AssertionError"
    ),
    "what writes the numbers out": "from prometheus_client import generate_latest",
}


def run(program: str, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", program, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


SERVE = """
import atexit, os, sys
from dhq_auth.cli import main
os.environ.update(PORT="none", SECRET_KEY="s" * 48)
atexit.register(lambda: print(*sys.modules))
sys.argv = ["dhq-auth", *sys.argv[1:]]
try: main()
except SystemExit as end: sys.exit(0 if end.code else "it has started")
"""


@pytest.mark.slow
def test_to_serve_by_command_needs_nothing_that_reads_options() -> None:
    assert "typer" not in run(SERVE, "serve").split()
    assert "typer" in run(SERVE, "serve", "--summary").split()


@pytest.mark.slow
async def test_a_start_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/some.db"
    database = Database(url, pool=1, timeout=20)
    await migrations.upgrade(database)
    await database.close()
    loaded = run(LOADING + START, url).split()
    assert "dhq_auth.app" in loaded
    assert [name for name in loaded if name in UNUSED] == []


@pytest.mark.slow
@pytest.mark.parametrize("program", LATER.values(), ids=LATER)
def test_who_asks_for_it_later_gets_it(program: str) -> None:
    run(f"{LOADING}\n{program}")
