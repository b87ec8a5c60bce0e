"""The service as its operator meets it: a process with an environment, signals and an exit code."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import pytest

from tests.fixtures.process import kill
from tests.serving.wire import PATIENCE, Wire, get, post

pytestmark = [pytest.mark.process, pytest.mark.asyncio(loop_factories=["asyncio"])]

STARTED = post("/echo", b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 4")
"""The head of a request whose body is awaited: answered with 100 when it is being handled."""


class Service:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.port = 0
        self.wires = AsyncExitStack()

    @classmethod
    async def start(cls, factory: str, environ: dict[str, str]) -> Self:
        environ = {"PORT": "0", "LOG_FORMAT": "text", "SHUTDOWN_TIMEOUT": "5", **environ}
        command = (sys.executable, "-m", "tests.serving.launch", factory)
        return cls(await asyncio.create_subprocess_exec(*command, env=environ, stderr=PIPE))

    async def line(self, word: str) -> str:
        """Read what it says until a line with *word*, and return that."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await self.process.stderr.readline()).decode():
                self.lines.append(line)
                if word in line:
                    return line
        raise AssertionError(f"no {word!r} in {self.lines}")

    async def connect(self) -> Wire:
        if not self.port:
            self.port = int((await self.line("listening")).rpartition(":")[2])
        return await self.wires.enter_async_context(await Wire.open(self.port))

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def refuses(self) -> None:
        """Wait until nobody listens any more."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await (await Wire.open(self.port)).close()
                except ConnectionError:
                    return

    async def end(self) -> int:
        """Wait for the end; return the exit code."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            self.lines += (await self.process.stderr.read()).decode().splitlines(keepends=True)
            return await self.process.wait()


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[Service]]]:
    """Start the service: `await start(WORKERS="2")`."""
    async with AsyncExitStack() as stack:

        async def begin(factory: str = "create", **environ: str) -> Service:
            service = await Service.start(factory, environ)
            stack.push_async_callback(kill, service.process)
            stack.push_async_exit(service.wires)
            return service

        yield begin


async def ended(pid: int) -> None:
    """Wait for the end of a process that is not a child of ours."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    try:
        file = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop.add_reader(file, over.set)
    async with asyncio.timeout(PATIENCE):
        await over.wait()
    loop.remove_reader(file)
    os.close(file)


async def pids(service: Service, number: int) -> list[int]:
    """Return the ids of all *number* workers, by asking until each has answered."""
    found: set[int] = set()
    async with asyncio.timeout(PATIENCE):
        while len(found) < number:
            async with await service.connect() as wire:
                found.add(int((await wire.ask(get("/pid", "Connection: close"))).body))
    return sorted(found)


BOTH = pytest.mark.parametrize("workers", ["1", "2"])


@BOTH
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_request_in_flight_finish_and_closes_the_door(
    start, workers, number
):
    service = await start(WORKERS=workers)
    busy, idle = await service.connect(), await service.connect()
    assert (await idle.ask(get())).status == 200
    assert (await busy.ask(STARTED)).status == 100
    service.tell(number)
    assert not await idle.rest()
    await service.refuses()
    assert (await busy.ask(b"body")).body == b"body"
    assert not await busy.rest()
    assert await service.end() == 0
    assert "Traceback" not in "".join(service.lines)


async def test_a_signal_to_all_processes_at_once_is_one_signal(start):
    service = await start(WORKERS="2")
    workers = await pids(service, 2)
    busy = await service.connect()
    assert (await busy.ask(STARTED)).status == 100
    for pid in (*workers, service.process.pid):
        os.kill(pid, signal.SIGTERM)
    await service.refuses()
    assert (await busy.ask(b"body")).body == b"body"
    assert await service.end() == 0


@BOTH
async def test_a_second_signal_ends_it_at_once(start, workers):
    service = await start(WORKERS=workers, SHUTDOWN_TIMEOUT="300")
    busy = await service.connect()
    worker = int((await busy.ask(get("/pid"))).body)
    assert (await busy.ask(STARTED)).status == 100
    service.tell(signal.SIGTERM)
    await service.refuses()
    service.tell(signal.SIGTERM)
    assert await service.end() == 128 + signal.SIGTERM
    await ended(worker)


@BOTH
async def test_a_request_that_never_ends_does_not_keep_it(start, workers):
    service = await start(WORKERS=workers, SHUTDOWN_TIMEOUT="0.2")
    busy = await service.connect()
    assert (await busy.ask(STARTED)).status == 100
    service.tell(signal.SIGTERM)
    assert await service.end() == 0
    assert any("not finished in time" in line for line in service.lines)


@BOTH
async def test_every_connection_that_was_made_is_served_though_a_signal_comes(start, workers):
    service = await start(WORKERS=workers)
    await (await service.connect()).close()
    made = [await service.connect() for _ in range(20)]
    for wire in made:
        wire.send(get())
    service.tell(signal.SIGTERM)
    assert [(await wire.answer()).status for wire in made] == [200] * 20
    assert await service.end() == 0


@BOTH
async def test_a_port_in_use_is_said_in_one_line(start, workers):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        service = await start(PORT=port, WORKERS=workers)
        assert await service.end() == 1
    assert service.lines == [
        f"PORT: {port} on 127.0.0.1 is in use by another process; expected: a free port\n"
    ]


async def test_a_port_shared_by_another_service_counts_as_in_use(start):
    first = await start(WORKERS="2")
    await pids(first, 2)
    second = await start(WORKERS="2", PORT=str(first.port))
    assert await second.end() == 1
    assert second.lines[0].startswith(f"PORT: {first.port} ")


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
async def test_an_address_that_is_not_ours_is_said_in_one_line(start, host):
    service = await start(HOST=host)
    assert await service.end() == 1
    (line,) = service.lines
    assert line.startswith(f"HOST: {host!r} ")


async def test_every_fault_of_the_settings_is_a_line_and_none_is_a_traceback(start):
    service = await start(PORT="http", WORKERS="many")
    assert await service.end() == 2
    assert [line.partition(":")[0] for line in service.lines] == ["PORT", "WORKERS"]


@BOTH
async def test_what_the_application_refuses_is_said_once(start, workers):
    service = await start("refuse", WORKERS=workers)
    assert await service.end() == 2
    assert service.lines == ["ALLOWED_SERVICES: nobody here is called that\n"]


async def test_a_worker_that_is_killed_is_replaced_and_connections_wait_for_it(start):
    service = await start(WORKERS="2")
    one, other = await pids(service, 2)
    os.kill(one, signal.SIGKILL)
    await ended(one)
    made = [await service.connect() for _ in range(20)]
    answers = [await wire.ask(get("/pid", "Connection: close")) for wire in made]
    assert {int(answer.body) for answer in answers} <= {other, *await pids(service, 2)}
    assert "SIGKILL" in await service.line("started again")
    service.tell(signal.SIGTERM)
    assert await service.end() == 0


async def test_a_first_worker_that_dies_ends_the_start(start):
    service = await start("crash", WORKERS="2")
    assert await service.end() == 3


async def test_workers_that_die_at_their_start_again_and_again_are_given_up(start, tmp_path):
    service = await start("serve_once", WORKERS="2", FIRST=str(tmp_path / "first"))
    assert await service.end() == 1
    assert sum("started again" in line for line in service.lines) == 2
    assert "giving up" in service.lines[-1]


@BOTH
async def test_a_signal_during_the_start_ends_it(start, workers):
    service = await start("start_forever", WORKERS=workers)
    await service.line("starting")
    service.tell(signal.SIGTERM)
    assert await service.end() == 0


async def test_a_failure_at_the_start_is_in_the_log_and_in_the_exit_code(start):
    service = await start("fail_to_start", LOG_FORMAT="json")
    assert await service.end() == 1
    (line,) = service.lines
    assert "RuntimeError" in json.loads(line)["exception"]


async def test_settings_that_look_misspelt_are_warned_of(start):
    service = await start(HEADER_TIMEOUTS="3")
    assert "HEADER_TIMEOUT" in await service.line("WARNING")


async def test_what_is_less_grave_than_log_level_is_not_logged(start):
    service = await start(HEADER_TIMEOUTS="3", LOG_LEVEL="error", HOST="203.0.113.1")
    assert await service.end() == 1
    assert [line.partition(":")[0] for line in service.lines] == ["HOST"]


async def test_no_worker_outlives_its_parent(start):
    service = await start(WORKERS="2")
    workers = await pids(service, 2)
    busy = await service.connect()
    assert (await busy.ask(STARTED)).status == 100
    service.tell(signal.SIGKILL)
    await ended(service.process.pid)
    assert (await busy.ask(b"body")).body == b"body"
    for pid in workers:
        await ended(pid)
    socket.create_server(("127.0.0.1", service.port)).close()


async def test_the_port_is_free_for_the_next_one(start):
    service = await start()
    busy = await service.connect()
    assert (await busy.ask(get())).status == 200
    service.tell(signal.SIGTERM)
    assert await service.end() == 0
    service = await start(PORT=str(service.port))
    assert (await (await service.connect()).ask(get())).status == 200


async def test_secrets_are_on_no_command_line(start):
    service = await start(WORKERS="2", GOOGLE_KEY="public", GOOGLE_SECRET="s3cret-of-google")
    for pid in [service.process.pid, *await pids(service, 2)]:
        assert b"s3cret" not in await asyncio.to_thread(Path(f"/proc/{pid}/cmdline").read_bytes)
