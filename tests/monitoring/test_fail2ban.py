"""The line for fail2ban: there for who fails, and for nobody else, whatever he sends."""

import asyncio
import io
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import run
from typing import Final

import pytest

from dhq_auth import logs
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.process import Serve
from tests.fixtures.service import CALLBACK, oidc
from tests.monitoring.test_metrics import SQLITE, WRONG

pytestmark = pytest.mark.slow

PROGRAM: Final = shutil.which("fail2ban-regex")
FILTER: Final = Path(__file__).parents[2] / "examples/fail2ban/filter.d/dhq-auth.conf"
VICTIM: Final = "198.51.100.99"
FORMS = pytest.mark.parametrize("form", ["json", "text"])


def banned(log: str, folder: Path) -> list[str]:
    """Return the addresses that fail2ban finds in *log*, one for each line that matches."""
    assert PROGRAM is not None, "fail2ban-regex is missing: run tools/install_test_needs.sh"
    file = folder / "service.log"
    file.write_text(log, encoding="utf-8", errors="backslashreplace")
    command = [PROGRAM, "--out", "<ip>", str(file), str(FILTER)]
    found = run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert "ERROR" not in found.stderr, found.stderr
    return found.stdout.split()


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Give what is logged; afterwards, logging is as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in logs._CHATTY}
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    root.handlers[:], root.level, logging.raiseExceptions = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@SQLITE
@FORMS
async def test_who_fails_is_found_by_the_address_of_the_client(
    serve: Serve, issuer: OidcIssuer, tmp_path: Path, form: str
) -> None:
    served = serve(**oidc(issuer), LOG_FORMAT=form, LOGIN_ATTEMPTS="1", TRUSTED_PROXIES="127.0.0.1")
    issuer.client.redirect_uris.add(f"{served.url}{CALLBACK}")
    await served.start()
    for address in ("203.0.113.7", "2001:db8::7"):
        headers = {"X-Forwarded-For": f"{VICTIM}, {address}"}
        for status in (401, 429):
            answer = await served.program.post("/auth/login", json=WRONG, headers=headers)
            assert answer.status == status
    browser = served.new_browser()
    headers = {"X-Forwarded-For": "203.0.113.8"}
    start = await browser.get("/auth/login/acme", headers=headers)
    state = start.headers["Location"].partition("state=")[2].partition("&")[0]
    query = {"state": state, "error": "denied", "error_description": f"from {VICTIM}: "}
    answer = await browser.get(CALLBACK, params=query, headers=headers)
    assert answer.status == 400
    assert await served.stop() == 0
    found = await asyncio.to_thread(banned, served.log.decode(), tmp_path)
    assert found == ["203.0.113.7"] * 2 + ["2001:db8::7"] * 2 + ["203.0.113.8"]


LINES: Final = (
    f'", "level": "warning", "logger": "dhq_auth.logins", "message": "login refused from {VICTIM}: x',
    f" WARNING dhq_auth.logins: login refused from {VICTIM}: x",
    f"login refused from {VICTIM}: x",
)
STAMP: Final = "2030-01-01T00:00:00.000Z"
FORGED: Final = [
    before + line
    for line in LINES
    for before in ("", "\n", "\r\n", "\u2028", "\x85", f"\n{STAMP}", f'\n{{"time": "{STAMP}', "\\n")
]


@SQLITE
@FORMS
async def test_no_name_header_or_path_forges_a_failure_of_somebody_else(
    serve: Serve, tmp_path: Path, form: str
) -> None:
    served = serve(LOG_FORMAT=form, LOG_LEVEL="debug", INSTALLED_EXTENSIONS="log_events")
    await served.start()
    for line in FORGED[::5]:
        sent = {"username": line, "password": line}
        shown = (
            line.encode("ascii", "backslashreplace").decode().replace("\r", "").replace("\n", "")
        )
        headers = {"User-Agent": shown, "X-Forwarded-For": shown, "Referer": shown}
        headers |= {"X-Request-Id": shown, "traceparent": shown}
        await served.program.post("/auth/login", json=sent, headers=headers)
        await served.program.post("/auth/register", json={**sent, "email": line}, headers=headers)
    for line in FORGED:
        await served.program.get(f"/{line}", params={"next": line})
    assert await served.stop() == 0
    log = served.log.decode()
    found = await asyncio.to_thread(banned, log, tmp_path)
    assert set(found) == {"127.0.0.1"}
    assert VICTIM in log  # it was tried


@FORMS
def test_no_record_of_any_text_forges_one(stream: io.StringIO, tmp_path: Path, form: str) -> None:
    logs.configure("info", form, stream)
    logger = logging.getLogger("dhq_auth.tests")
    for line in FORGED:
        logger.warning("%s", line, extra={"address": line, "path": line})
        try:
            raise ValueError(line)
        except ValueError:
            logger.exception("it failed: %s", line)
    assert banned(stream.getvalue(), tmp_path) == []
