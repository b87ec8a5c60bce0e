"""The image, built and run for real: tools/image.sh, and what compose.yaml makes of it."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.fakes.postgres import PostgresServer
from tools.image.trial import PATIENCE, container

pytestmark = pytest.mark.image

ROOT = Path(__file__).parents[2]
IMAGE = "dhq-auth-test"
SECRET_KEY = "not-a-secret-but-long-enough-to-be-one"


def run(*arguments: str) -> str:
    environ = {**os.environ, "IMAGE": IMAGE, "PYTHON": sys.executable}
    done = subprocess.run(  # noqa: S603
        [ROOT / "tools" / "image.sh", *arguments],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def report():
    """What tools/image.sh said while it built and tried the image."""
    return run()


@pytest.fixture(scope="module")
def composed():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return compose["services"]["dhq-auth"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def options_of(service, secrets: dict[str, str], folder: Path) -> list[str]:
    """Return the options by which an engine runs what compose.yaml describes."""
    options = ["--read-only"] if service["read_only"] else []
    options += [f"--cap-drop={each}" for each in service["cap_drop"]]
    options += [f"--security-opt={each}" for each in service["security_opt"]]
    # Without its name, so that it goes with the container.
    options += [f"--volume={each.partition(':')[2]}" for each in service["volumes"]]
    options += [f"--env={k}={v}" for k, v in service["environment"].items() if "$" not in v]
    for name in service["secrets"]:
        path = folder / name
        path.write_text(f"{secrets[name]}\n", encoding="utf-8")
        path.chmod(0o444)
        options.append(f"--volume={path}:/run/secrets/{name}:ro")
    return options


def test_it_builds_and_runs_without_root_a_shell_or_a_writable_disk(report):
    told = [line.removeprefix("image: ") for line in report.splitlines()]
    assert "HEALTHCHECK is healthy" in told
    assert "inside: / cannot be written" in told
    assert "started again: the same public key, from the volume at /data" in told
    assert sum(line.startswith("SIGTERM to process 1: exit code 0") for line in told) == 2


@pytest.mark.usefixtures("report")
@pytest.mark.postgres
def test_it_runs_as_composed_with_postgresql_and_secrets_in_files(
    composed, postgres: PostgresServer, tmp_path
):
    database = postgres.create()
    secrets = {"database_url": postgres.url(database), "secret_key": SECRET_KEY}
    port = free_port()
    options = options_of(composed, secrets, tmp_path)
    # The server of the tests listens on this machine alone.
    options += ["--network=host", f"--env=PORT={port}", "--env=HOST=127.0.0.1"]
    options += ["--env=EXTERNAL_ADDRESS=https://login.example.com"]
    with container(IMAGE, run("--engine").split(), *options) as it:
        it.address = ("127.0.0.1", port)
        it.get("/readyz", time.monotonic() + PATIENCE)
        assert "users" in postgres.execute(r"SELECT tablename FROM pg_tables", database)
        assert it.ask("exec", it.name, "ls", "-A", "/data") == "dhq-auth.setup-code"
        told = it.ask("exec", it.name, "dhq-auth", "config", "show")
        it.stop()
        told += it.log()
    postgres.drop(database)
    assert SECRET_KEY not in told
    assert postgres.url(database) not in told


@pytest.mark.usefixtures("report")
def test_settings_at_fault_end_it_with_a_line_each(tmp_path):
    engine = run("--engine").split()
    with container(IMAGE, engine, "--read-only", "--env=PORT=http", "--env=WORKERS=many") as it:
        assert it.ask("wait", it.name) == "2"
        assert [line.partition(":")[0] for line in it.log().splitlines()] == ["PORT", "WORKERS"]
