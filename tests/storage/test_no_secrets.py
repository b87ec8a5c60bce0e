"""All ways that handle a secret, used; then looked for in the database, in the log, in refusals."""

import asyncio
import json
import os
import secrets
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.postgres import PostgresServer
from tests.fixtures.process import Serve, ServedProcess
from tests.fixtures.service import CALLBACK, NEXT, oidc
from tests.monitoring.collector import Collector
from tests.passwords.test_imported import BCRYPT, PASSWORD, PBKDF2
from tests.storage.eavesdropper import Eavesdropper, forms

pytestmark = pytest.mark.slow

CLI = (sys.executable, "-c", "from dhq_auth.cli import main; main()")
ROOT = Path(__file__).parents[2]
HTML = {"Accept": "text/html"}

# So long that no id, which is random, has them by chance
BOB = "bobby.of.the.docks"
ERIN = "erin.of.the.hills"


class Everybody:
    """Does all that can be done with a secret, at one service."""

    def __init__(self, served: ServedProcess, database_url: str, folder: Path) -> None:
        self.served = served
        self.heard = Eavesdropper()
        self._database_url = database_url
        self._folder = folder

    async def do_everything(self) -> None:
        await self.sets_up()
        await self.registers_and_changes_the_password()
        await self.has_tokens()
        await self.types_the_password_where_the_name_belongs()
        await self.comes_from_another_system()
        await self.logs_in_at_a_provider()
        await self.is_managed_by_an_operator()

    async def sets_up(self) -> None:
        (file,) = self._folder.glob("*.setup-code")
        code = self.heard.knows("setup code", (await asyncio.to_thread(file.read_text)).strip())
        browser = self.served.new_browser()
        refused = {"code": self.heard.knows("wrong setup code", secrets.token_urlsafe(32))}
        await self.heard.ask(browser, "POST", "/auth/setup", 403, json=refused)
        made = await self.heard.ask(browser, "POST", "/auth/setup", 201, json={"code": code})
        await self.heard.ask(browser, "POST", "/auth/login", 200, json=await made.json())
        again = self.heard.password("a password of an administrator")
        change = {"current_password": (await made.json())["password"], "new_password": again}
        await self.heard.ask(browser, "POST", "/auth/users/me/password", 200, json=change)
        bob = {"username": BOB, "password": self.heard.password("given to bob by somebody")}
        await self.heard.ask(browser, "POST", "/auth/users", 201, json=bob)

    async def registers_and_changes_the_password(self) -> None:
        first = self.heard.password("mountains of yellow paper, ä/+?")
        second = self.heard.password('rivers of green ink & "quotes"')
        wrong = self.heard.password("never anybody's password: it is wrong")
        short = self.heard.password("short but mine")
        ada = {"username": "ada", "email": "ada@example.org"}
        browser = self.served.new_browser()
        ask = self.heard.ask
        await ask(browser, "POST", "/auth/register", 400, json={**ada, "password": short})
        await ask(browser, "POST", "/auth/register", 201, json={**ada, "password": first})
        await ask(browser, "POST", "/auth/register", 409, json={**ada, "password": wrong})
        form = {"username": "ada", "password": wrong, "next": NEXT}
        await ask(browser, "POST", "/auth/login", 401, json=form)
        await ask(browser, "POST", "/auth/login", 401, data=form, headers=HTML)
        await ask(
            browser, "POST", "/auth/login", 303, data={**form, "password": first}, headers=HTML
        )
        await ask(browser, "GET", "/auth/check", 200, headers=basic("ada", first))
        await ask(browser, "GET", "/auth/token-info", 401, headers=basic("ada", wrong))
        change = {"current_password": wrong, "new_password": second}
        await ask(browser, "POST", "/auth/users/me/password", 403, json=change)
        change["current_password"] = first
        await ask(browser, "POST", "/auth/users/me/password", 200, json=change)
        await ask(browser, "POST", "/auth/logout", 200, headers=HTML | {"Accept": "*/*"})
        self.password = second

    async def has_tokens(self) -> None:
        ada = {"username": "ada", "password": self.password}
        browser, ask = self.served.new_browser(), self.heard.ask
        login = await ask(browser, "POST", "/auth/login", 200, json=ada)
        jwt = (await login.json())["token"]
        made = await ask(browser, "POST", "/auth/tokens", 201, json={"title": "t", **ada})
        token = (await made.json())["token"]
        developer = await ask(browser, "POST", "/auth/developer-token", 201)
        developer = (await developer.json())["token"]
        program = self.served.new_browser()
        for value in (jwt, token, developer):
            await ask(program, "GET", f"/auth/check?jwt={value}", 200)
            await ask(program, "GET", "/auth/check", 200, headers={"Auth-Token": value})
            await ask(program, "GET", "/auth/token-info", 200, headers=bearer(value))
            spoilt = self.heard.knows("spoilt token", value[:-6] + "aaaaaa")
            await ask(program, "GET", f"/auth/token-info?jwt={spoilt}", 401)
            await ask(program, "GET", "/auth/token-info", 401, headers=bearer(spoilt))
        await ask(program, "POST", f"/nowhere?jwt={token}&password={quote(self.password)}", 404)
        for value in (token, jwt):  # where the id belongs
            await ask(browser, "DELETE", f"/auth/tokens/{value}", 404)
        await ask(browser, "POST", "/auth/tokens/revoke", 200, json={"token": token})
        await ask(browser, "POST", "/auth/tokens/revoke", 404, json={"token": token})
        await ask(program, "GET", "/auth/token-info", 401, headers=bearer(token))
        await ask(program, "POST", "/auth/token-leaked", 200, json={"token": developer})
        page = await ask(browser, "POST", "/profile/tokens", 201, data={"title": "t"} | LONG)
        shown = (await page.text()).partition('class="secret"')[2].partition(">")[2][:54]
        assert shown.startswith("6879-")
        self.heard.knows("token of the page", shown)
        await ask(program, "GET", "/auth/token-info", 200, headers=bearer(shown))

    async def types_the_password_where_the_name_belongs(self) -> None:
        browser, ask = self.served.new_browser(), self.heard.ask
        slip = self.heard.password("Typed into the wrong field, alas")
        for sent in ({"username": slip}, {"email": slip}):
            await ask(browser, "POST", "/auth/login", 401, json={**sent, "password": "x"})
        await ask(browser, "GET", "/auth/token-info", 401, headers=basic(slip, "x"))
        body = {"username": slip, "password": "x" * 15}
        await ask(browser, "POST", "/auth/register", 400, json=body)

    async def comes_from_another_system(self) -> None:
        lines = [
            {"username": name, "password_hash": stored}
            for name, stored in {"carol": BCRYPT, "dave": PBKDF2}.items()
        ]
        await self.operator("user", "import", "-", stdin="\n".join(map(json.dumps, lines)))
        browser, self_password = self.served.new_browser(), self.heard.password(PASSWORD)
        for line in lines:
            sent = {"username": line["username"], "password": self_password}
            await self.heard.ask(browser, "POST", "/auth/login", 200, json=sent)

    async def logs_in_at_a_provider(self) -> None:
        ask = self.heard.ask
        verifier = self.heard.knows("code verifier", secrets.token_urlsafe(32))
        digest = sha256(verifier.encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        for mode in ({}, {"response_mode": "code", "code_challenge": challenge}):
            browser = self.served.new_browser()
            query = urlencode({"next": NEXT, **mode})
            start = await ask(browser, "GET", f"/auth/login/acme?{query}", 302)
            there = await ask(browser, "GET", start.headers["Location"], 302)
            back = await ask(browser, "GET", there.headers["Location"], 302)
            await ask(browser, "GET", there.headers["Location"], 400)  # the state is spent
        code = dict(parse_qsl(urlsplit(back.headers["Location"]).query))["code"]
        sent = {"code": code, "code_verifier": verifier}
        await ask(browser, "POST", "/auth/exchange", 200, json=sent)
        await ask(browser, "POST", "/auth/exchange", 400, json=sent)
        await ask(browser, "GET", "/auth/login/acme", 302)  # one is under way

    async def is_managed_by_an_operator(self) -> None:
        given = self.heard.password("set for bob by the operator")
        await self.operator("user", "set-password", BOB, "--password-stdin", stdin=f"{given}\n")
        added = await self.operator("user", "add", ERIN, "--generate", "--json")
        self.heard.password(added["password"])
        made = await self.operator("token", "create", ERIN, "--json")
        self.heard.knows("token of the operator", made["token"])
        program = self.served.new_browser()
        headers = bearer(made["token"])
        await self.heard.ask(program, "GET", "/auth/token-info", 200, headers=headers)
        await self.heard.ask(
            program, "GET", "/auth/token-info", 200, headers=basic(ERIN, added["password"])
        )

    async def operator(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command; return its JSON, if that is what it prints."""
        environ = {"DATABASE_URL": self._database_url, "PATH": os.environ["PATH"]}
        process = await asyncio.create_subprocess_exec(
            *(*CLI, *arguments),
            cwd=self._folder,
            env={**environ, "PYTHONPATH": str(ROOT), "SECRET_KEY": SECRET_KEY},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(stdin.encode())
        assert process.returncode == 0, err.decode()
        return json.loads(out) if "--json" in arguments else None


LONG = {"expires_in": "never"}
SECRET_KEY = "wraps what lies in the database, " * 2


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """Who gets the traces."""
    async with Collector() as collector:
        yield collector


@pytest.fixture
async def everybody(
    serve: Serve, issuer: OidcIssuer, database_url: str, tmp_path: Path, collector: Collector
) -> Everybody:
    """All has been done."""
    served = serve(
        **oidc(issuer),
        LOG_LEVEL="debug",
        LOG_FORMAT="text",
        SECRET_KEY=SECRET_KEY,
        LOGIN_ATTEMPTS="100",
        INSTALLED_EXTENSIONS="log_events",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
    )
    issuer.client.redirect_uris.add(f"{served.url}{CALLBACK}")
    await served.start()
    everybody = Everybody(served, database_url, tmp_path)
    await everybody.do_everything()
    everybody.heard.knows("client secret", issuer.client.secret or "")
    everybody.heard.knows("SECRET_KEY", SECRET_KEY)
    return everybody


def everything_in(database_url: str, request: pytest.FixtureRequest, folder: Path) -> bytes:
    """Return every byte of the database, of its write-ahead log too."""
    if database_url.startswith("postgresql"):
        postgres: PostgresServer = request.getfixturevalue("postgres")
        return postgres.dump(database_url.rpartition("/")[2]).encode()
    kept = {f"dhq-auth.db{suffix}" for suffix in ("", "-wal", "-shm")}
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.name in kept)


async def test_no_secret_is_in_the_database_in_the_log_in_a_trace_or_in_a_refusal(
    everybody: Everybody,
    collector: Collector,
    database_url: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    heard, served = everybody.heard, everybody.served
    kinds = set(heard.secrets.values())
    assert {"cookie session", "token", "jwt", "code", "state", "nonce", "password"} <= kinds
    assert len(heard.secrets) > 40

    metrics = await (await served.program.get("/metrics")).read()
    assert b'dhq_auth_logins_total{outcome="refused"' in metrics
    assert heard.found_in(metrics) == set()

    # While it runs: on SQLite the write-ahead log is folded into the file at the end.
    database = everything_in(database_url, request, tmp_path)
    assert await served.stop() == 0
    database += everything_in(database_url, request, tmp_path)
    for known in (b"ada@example.org", b"$argon2id$", b"api_tokens", b"rate_limits", b"token.made"):
        assert known in database
    assert heard.found_in(database) == set()

    assert served.log.count(b"/auth/login") > 10
    assert heard.found_in(served.log) == set()

    assert len(collector.spans) > 200
    assert heard.found_in(collector.raw) == set()
    people = ("ada@example.org", BOB, ERIN)
    assert not [name for name in people if name.encode() in collector.raw]

    assert len(heard.refusals) > 15
    assert heard.found_in("\n".join(heard.refusals).encode()) == set()
    for location in heard.locations:
        allowed = {"jwt", "code", "state", "nonce", "code_challenge"}
        told = parse_qsl(urlsplit(location).query)
        rest = " ".join(value for name, value in told if name not in allowed)
        assert heard.found_in(f"{location.partition('?')[0]} {rest}".encode()) == set(), location


def test_the_forms_of_a_secret_are_found() -> None:
    """What looks for secrets would be blind without notice."""
    secret = "a secret / with + odd ? letters ä"
    heard = Eavesdropper()
    heard.password(secret)
    for form, needle in forms(secret):
        assert f"password ({form})" in heard.found_in(b"before" + needle + b"after")
    for before in ("", "a", "ab", "abc"):
        whole = b64encode(f"{before}{secret}:x".encode())
        assert "password (base64)" in heard.found_in(whole)
    assert heard.found_in(sha256(secret.encode()).hexdigest().encode())
    assert heard.found_in(b"nothing at all") == set()
