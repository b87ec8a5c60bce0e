"""Asking a service whether it is well."""

import asyncio
import socket

import pytest

from tests.cli.conftest import Cli, Ended
from tests.fakes.faults import answer, hang, json_answer
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import Fault
from tests.fixtures.service import Start

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def ask(cli: Cli, port: int, *options: str, **environ: str) -> Ended:
    return await cli.aside("healthcheck", *options, PORT=str(port), **environ)


@SQLITE
@pytest.mark.parametrize("options", [[], ["--ready"]])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104 - to be asked
async def test_a_service_that_is_well_is_found_wherever_it_listens(
    start: Start, cli: Cli, host: str, options: list[str]
):
    service = await start()
    port = int(service.url.rpartition(":")[2])
    ended = await ask(cli, port, *options, "--json", HOST=host)
    assert ended.code == 0
    assert ended.json["ok"] is True
    assert ended.err == ""


async def test_all_addresses_of_ipv6_are_asked_at_its_loopback(cli: Cli):
    async def well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"status": "OK"}')
        writer.close()

    async with await asyncio.start_server(well, "::1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ended = await ask(cli, port, "--json", HOST="::")
    assert ended.json == {"ok": True, "url": f"http://[::1]:{port}/healthz", "fault": None}


def test_nobody_there_is_not_well(cli: Cli):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ended = cli("healthcheck", "--json", PORT=str(port))
    assert ended.code == 1
    assert ended.json["ok"] is False
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        answer(503, b'{"status": "OK"}'),
        answer(302, Location="/elsewhere"),
        json_answer({"status": "DOWN"}),
        answer(200, b"<h1>Welcome to nginx</h1>", "text/html"),
        answer(200, b"[" * 100_000),
        answer(200),
        hang,
    ],
)
@pytest.mark.slow
async def test_whatever_else_answers_is_not_well(cli: Cli, fault: Fault):
    async with OidcIssuer() as server:
        server.faults["unknown"] = fault
        ended = await ask(cli, server.port, "--timeout", "0.2")
    assert (ended.code, ended.out) == (1, "")
    assert len(ended.err.splitlines()) == 1


async def test_what_is_no_http_is_not_well(cli: Cli):
    async def garble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        writer.close()

    async with await asyncio.start_server(garble, "127.0.0.1", 0) as server:
        ended = await ask(cli, server.sockets[0].getsockname()[1])
    assert (ended.code, ended.out) == (1, "")


@pytest.mark.parametrize("port", ["0", "http"])
def test_settings_that_cannot_be_used_are_not_well_and_not_exit_code_2(cli: Cli, port: str):
    ended = cli("healthcheck", PORT=port)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("PORT: ")


@SQLITE
async def test_faults_of_other_settings_are_not_its_business(start: Start, cli: Cli):
    port = int((await start()).url.rpartition(":")[2])
    ended = await ask(cli, port, GOOGLE_KEY="without-its-secret", PRIVATE_KEY="broken")
    assert ended.code == 0
