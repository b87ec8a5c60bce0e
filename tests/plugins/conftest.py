"""Plugins written by a test, as modules that can be imported by name."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc

V1 = "def get_permissions(service, userid): "
GRANT = "from dhq_auth import Grant\nfrom datetime import datetime, timedelta\ndef grant(context): "

Run = Callable[..., Awaitable[Service]]
Install = Callable[..., Awaitable[Service]]
Write = Callable[..., str]
Offer = Callable[..., None]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """A function that writes a module, by default the module `plugin_of_test`; returns its name."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)

    def write(source: str, name: str = "plugin_of_test") -> str:
        path = folder / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source), encoding="utf-8")
        return name

    yield write
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def offer(module: Write, tmp_path: Path) -> Offer:
    """A function that installs a package which offers entry points of a group."""

    def install(package: str, group: str, **points: str) -> None:
        folder = tmp_path / "modules" / f"{package}-1.0.dist-info"
        folder.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        (folder / "METADATA").write_text(metadata, encoding="utf-8")
        lines = [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
        (folder / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")

    return install


@pytest.fixture
def run(start: Start, issuer: OidcIssuer, module: Write) -> Run:
    """A function that starts a service whose service `notes` has a provider of the given source."""

    async def run_with(source: str, **environ: str) -> Service:
        services = f"notes:{module(source)}"
        return await start(issuer, **oidc(issuer), ALLOWED_SERVICES=services, **environ)

    return run_with


@pytest.fixture
def install(start: Start, issuer: OidcIssuer, module: Write) -> Install:
    """A function that starts a service with extensions, each a source under its name."""

    async def start_with(environ: dict[str, str] | None = None, **sources: str) -> Service:
        names = [module(source, name) for name, source in sources.items()]
        installed = {"INSTALLED_EXTENSIONS": ";".join(names), "EXTENSION_TIMEOUT": "0.5"}
        return await start(issuer, **{**oidc(issuer), **installed, **(environ or {})})

    return start_with


async def ask(service: Service, token: str, name: str = "notes") -> tuple[int, dict[str, object]]:
    """Return status and answer of `/auth/authorize`."""
    answer = await service.browser.get("/auth/authorize", params={"service": name, "jwt": token})
    return answer.status, await answer.json()
