"""A service that uses the SDK loads the SDK, and none of what the server is made of."""

import subprocess
import sys
from collections.abc import Iterable

import pytest

import dhq_auth.sdk

VERIFIER = """
from dhq_auth import sdk
verifier = sdk.Verifier("https://login.example.com", service="notes")
try:
    verifier.verify("a.b.c")
except sdk.InvalidToken:
    pass
sdk.Verifyer, sdk.ANONYMOUS, sdk.Denied, sdk.decide, sdk.check
"""
HEAVY = {
    *("aiohttp", "sqlalchemy", "authlib", "alembic", "pluggy", "jinja2", "argon2", "asyncpg"),
    *("aiosqlite", "typer", "rich", "redis", "limits", "uvloop", "requests", "yarl"),
}


def loaded(program: str) -> set[str]:
    """Return the modules that *program* loads, in an interpreter of its own."""
    told = f"{program}\nimport sys\nprint(*sys.modules, sep='\\n')"
    command = [sys.executable, "-c", told]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())  # noqa: S603 - our own


def ours(modules: Iterable[str]) -> set[str]:
    return {name for name in modules if name.split(".")[0] in ("dhq_auth", "providers")}


def roots(modules: Iterable[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


def test_importing_the_sdk_loads_nothing() -> None:
    modules = loaded("import dhq_auth.sdk")
    assert ours(modules) == {"dhq_auth", "dhq_auth.sdk"}
    assert not roots(modules) & {*HEAVY, "joserfc", "cryptography"}


@pytest.mark.parametrize(
    "program", [VERIFIER, "import dhq_auth.sdk.asgi"], ids=["verifier", "asgi"]
)
@pytest.mark.slow
def test_verifying_loads_no_server_code(program: str) -> None:
    modules = loaded(program)
    assert all(name == "dhq_auth" or name.startswith("dhq_auth.sdk") for name in ours(modules))
    assert "dhq_auth.sdk.verifier" in modules
    assert not roots(modules) & HEAVY


@pytest.mark.slow
def test_the_middleware_for_aiohttp_loads_aiohttp_and_no_more() -> None:
    modules = loaded("import dhq_auth.sdk.aiohttp")
    assert all(name == "dhq_auth" or name.startswith("dhq_auth.sdk") for name in ours(modules))
    assert not roots(modules) & (HEAVY - {"aiohttp", "yarl"})


def test_every_name_that_is_announced_is_there() -> None:
    for name in dhq_auth.sdk.__all__:
        assert getattr(dhq_auth.sdk, name).__module__.startswith("dhq_auth.sdk.")
    assert {*dhq_auth.sdk.__all__} <= {*dir(dhq_auth.sdk)}
    with pytest.raises(AttributeError, match="no attribute 'Verifer'"):
        _ = dhq_auth.sdk.Verifer  # type: ignore[attr-defined]
