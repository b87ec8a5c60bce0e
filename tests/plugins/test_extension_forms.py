"""The ways to write an extension: what each of its functions is given."""

from pathlib import Path
from typing import Any

import pytest

from tests.plugins.conftest import Install

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    "source",
    [
        "def on_user_login(user_info={{}}): heard({file!r}, user_info)",
        "def on_user_login(*, user_info): heard({file!r}, user_info)",
        "def on_user_login(user_info, /): heard({file!r}, user_info)",
        "def on_user_login(*args): heard({file!r}, args[0])",
        "def on_user_login(**named): heard({file!r}, named['user_info'])",
        "def on_user_login(): heard({file!r}, {{'id': None}})",
        "from dhq_auth import hookimpl\n@hookimpl\ndef on_user_login(user_info={{}}): heard({file!r}, user_info)",
        "class E:\n    async def on_user_login(self, user_info): heard({file!r}, user_info)\ndef configure(options): return E()",
    ],
)  # fmt: skip
async def test_the_argument_arrives_however_the_hook_is_written(
    source: str, install: Install, tmp_path: Path
):
    file = tmp_path / "heard"
    head = """
import pathlib
def heard(file, user):
    with pathlib.Path(file).open('a') as note: note.write(str(user['id']))
"""
    service = await install(one=f"{head}\n{source.format(file=str(file))}")
    profile: Any = (await service.check(await service.log_in("acme")))["profile"]
    expected = "None" if "login():" in source else profile["id"]
    assert file.read_text(encoding="utf-8") == expected


async def test_options_arrive_and_the_last_installed_is_closed_first(install: Install):
    source = """
    import builtins
    class Extension:
        def __init__(self, options): self.options = options
        def on_event(self, event): ...
        def close(self): builtins.closed_in_test.append(self.options)
    def configure(options): return Extension(options)
    """
    import builtins  # noqa: PLC0415

    builtins.closed_in_test = []  # type: ignore[attr-defined]
    service = await install(
        {"EXTENSION_EXT_A_COLOUR": "red", "EXTENSION_EXT_B_SIZE": "2"}, ext_a=source, ext_b=source
    )
    await service.stop()
    assert builtins.closed_in_test == [{"size": "2"}, {"colour": "red"}]  # type: ignore[attr-defined]
    del builtins.closed_in_test  # type: ignore[attr-defined]
