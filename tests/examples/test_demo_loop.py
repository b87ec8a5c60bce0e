"""The whole demo as a newcomer meets it: one command, one browser."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from socket import create_server, socket

import pytest

from examples.demo.application import TOKEN
from tests.fakes.browser import chromium

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.process


def free_ports(number: int) -> list[int]:
    """Return ports that nobody uses; held together, so that they differ."""
    held = [create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


async def started(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "examples.demo", *arguments, cwd=ROOT, stdout=PIPE, stderr=STDOUT
    )


async def output_until(process: Process, wanted: str) -> str:
    """Return what *process* has written when *wanted* comes, or when it has ended."""
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(60):
        while wanted not in text and (line := await process.stdout.readline()):
            text += line.decode()
    return text


@dataclass
class Demo:
    process: Process
    application: str
    issuer: str
    auth_port: int


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    auth, application, issuer = free_ports(3)
    process = await started(
        f"--port={auth}",
        f"--application-port={application}",
        f"--issuer-port={issuer}",
        f"--data={tmp_path}",
    )
    try:
        text = await output_until(process, "proves nothing")
        assert f"Open http://localhost:{application}" in text, text
        yield Demo(process, f"http://localhost:{application}", f"http://localhost:{issuer}", auth)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.wait(), 20)


@pytest.mark.browser
async def test_from_the_first_click_to_a_verified_token_and_out_again(demo: Demo):
    async with chromium() as browser:
        page = await browser.new_page()
        faults: list[str] = []
        page.on("console", lambda message: faults.append(f"{message.text} {message.location}"))
        await page.goto(demo.application)
        await page.get_by_role("link", name="by Demo").click()
        assert page.url.startswith(f"{demo.issuer}/authorize?")
        await page.get_by_role("button", name="Ada Lovelace").click()
        await page.wait_for_url(f"{demo.application}/")
        text = await page.inner_text("main")
        assert "Hello, Ada Lovelace" in text
        assert re.search(r'"service": "notes"', text)
        assert re.search(r'"iss": "http://localhost:\d+"', text)
        assert await page.locator("li.yes").all_inner_texts() == ["read"]
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("link", name="by Demo").wait_for()
        assert faults == []


@pytest.mark.browser
async def test_who_cancels_is_nobody_and_may_try_again(demo: Demo):
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{demo.application}/sign-in/demo")
        await page.get_by_role("button", name="cancel").click()
        await page.wait_for_url(f"http://localhost:{demo.auth_port}/**")
        assert TOKEN not in {cookie["name"] for cookie in await page.context.cookies()}
        await page.get_by_role("link", name="Try again").click()
        await page.get_by_role("link", name="the demo issuer").click()
        await page.get_by_role("button", name="Alan Turing").click()
        await page.get_by_text("Hello, Alan Turing").wait_for()


async def test_ctrl_c_ends_all_three(demo: Demo):
    demo.process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(demo.process.wait(), 20) == 0
    with socket() as probe:
        assert probe.connect_ex(("127.0.0.1", demo.auth_port)) != 0


async def test_a_port_in_use_is_named_with_the_way_to_change_it():
    with create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = await started(f"--issuer-port={port}", "--port=1", "--application-port=2")
        text = await output_until(process, "--issuer-port\n")
    assert f"port {port} of the demo issuer is in use; choose another with --issuer-port" in text
    assert await process.wait() == 2
