"""Permissions from a file."""

import json
import logging
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dhq_auth.plugins import PermissionProviders, PluginError
from dhq_auth.settings import from_environ
from providers.static import LOOK_EVERY, StaticPermissions, configure, read
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Start, oidc
from tests.providers.conftest import Question

DEMO = Path(__file__).parents[2] / "examples" / "demo" / "permissions.toml"

LEVELS = """
["*"."*"]
a = 1
b = 1
c = 1
d = 1
["*".ada]
b = 2
c = 2
d = 2
[notes."*"]
c = 3
d = 3
[notes.ada]
d = 4
"""


class Seconds:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    """The clock that tells when to look at the file."""
    return Seconds()


def written(path: Path, text: str) -> Path:
    """Write *text* to *path* as editors do, and let the file be older than any before it."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
    return path


async def permissions(provider: StaticPermissions, context: Any) -> Any:
    return (await provider.grant(context)).permissions


@pytest.mark.parametrize("suffix", [".toml", ".json", ""])
@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (("notes", "ada"), {"a": 1, "b": 2, "c": 3, "d": 4}),
        (("notes", "bob"), {"a": 1, "b": 1, "c": 3, "d": 3}),
        (("other", "ada"), {"a": 1, "b": 2, "c": 2, "d": 2}),
        (("other", "bob"), {"a": 1, "b": 1, "c": 1, "d": 1}),
    ],
)
async def test_what_is_more_specific_wins_permission_by_permission(
    who: tuple[str, str], expected: object, suffix: str, tmp_path: Path, question: Question
):
    text = json.dumps(tomllib.loads(LEVELS)) if suffix == ".json" else LEVELS
    provider = configure({"file": str(written(tmp_path / f"file{suffix}", text))})
    assert await permissions(provider, question(*who)) == expected


async def test_a_user_is_known_by_id_and_not_by_a_name_that_anybody_may_take(
    tmp_path: Path, question: Question
):
    file = written(tmp_path / "p.toml", '[notes."the-ada"]\nadmin = true\n')
    assert await permissions(StaticPermissions(file), question("notes", "ada")) == {}


async def test_nobody_has_what_nobody_was_given(tmp_path: Path, question: Question):
    provider = StaticPermissions(written(tmp_path / "p.toml", ""))
    assert await permissions(provider, question()) == {}


async def test_the_file_of_the_demo_is_understood(question: Question):
    found = await permissions(StaticPermissions(DEMO), question("notes", "anybody"))
    assert found == {"read": True, "write": False, "notes_per_day": 10}


async def test_a_changed_file_counts_from_the_next_look_on(
    tmp_path: Path, seconds: Seconds, question: Question, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    file = written(tmp_path / "p.toml", '["*"."*"]\nread = true\n')
    provider = StaticPermissions(file, seconds)
    written(file, '["*"."*"]\nread = 7\n')
    seconds.now += LOOK_EVERY - 0.01
    assert await permissions(provider, question()) == {"read": True}
    seconds.now += 0.01
    assert await permissions(provider, question()) == {"read": 7}
    assert "was read anew" in caplog.text


async def test_a_link_that_leads_elsewhere_is_a_change(
    tmp_path: Path, seconds: Seconds, question: Question
):
    first = written(tmp_path / "1.toml", '["*"."*"]\nread = 1\n')
    second = written(tmp_path / "2.toml", '["*"."*"]\nread = 2\n')
    times = first.stat()
    os.utime(second, ns=(times.st_atime_ns, times.st_mtime_ns))
    link = tmp_path / "link.toml"
    link.symlink_to(first)
    provider = StaticPermissions(link, seconds)
    link.unlink()
    link.symlink_to(second)
    seconds.now += LOOK_EVERY
    assert await permissions(provider, question()) == {"read": 2}


@pytest.mark.parametrize("broken", ['["*"', "notes = 3", "[notes.ada]\nsince = 2020-01-01", None])
async def test_a_broken_change_keeps_what_was_there_and_is_logged_once(
    broken: str | None,
    tmp_path: Path,
    seconds: Seconds,
    question: Question,
    caplog: pytest.LogCaptureFixture,
):
    file = written(tmp_path / "p.toml", '["*"."*"]\nread = true\n')
    provider = StaticPermissions(file, seconds)
    if broken is None:
        file.unlink()
    else:
        written(file, broken)
    for _ in range(3):
        seconds.now += LOOK_EVERY
        assert await permissions(provider, question()) == {"read": True}
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert str(file) in caplog.text
    written(file, '["*"."*"]\nread = false\n')
    seconds.now += LOOK_EVERY
    assert await permissions(provider, question()) == {"read": False}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("p.toml", b"[notes\nread = true", "Expected ']' at the end of a table declaration (at line 1, column 7)"),
        ("p.toml", b"a = 1\na = 2\n", "Cannot overwrite a value (at line 2, column 6)"),
        ("p.toml", b"notes = 3", "[notes] is a number; expected: a table of users"),
        ("p.toml", b"[notes]\nread = true", "[notes.read] is a boolean; expected: a table of permissions"),
        ("p.toml", b'["*"]\nada = "admin"', '["*".ada] is a text; expected: a table of permissions'),
        ("p.toml", b"[[notes]]\nx = 1", "[notes] is a list; expected: a table of users"),
        ("p.toml", b"[notes]\nada = 2020-01-01", "[notes.ada] is a date; expected: a table of permissions"),
        ("p.toml", b"[notes.ada]\nsince = 2020-01-01", "notes.ada.since is of the type date, which JSON does not have"),
        ("p.toml", b"[notes.ada]\nlimit = [1.0, inf]", "notes.ada.limit is a number that JSON does not have"),
        ("p.toml", b"[notes.ada]\nname = '\xff'", "is not text in UTF-8"),
        ("p.toml", b"a = " + b"[" * 5000, "is nested too deeply"),
        ("p.json", b'{"notes": {"ada": {"a": 1,}}}', "Expecting property name enclosed in double quotes: line 1 column 27 (char 26)"),
        ("p.json", b'{\n"notes": }', "Expecting value: line 2 column 10 (char 11)"),
        ("p.json", b'{"notes": {"ada": {"a": 1, "a": 2}}}', "'a' stands twice in one object"),
        ("p.json", b'{"notes": {"ada": {"a": NaN}}}', "NaN is no JSON"),
        ("p.json", b'{"notes": {"ada": {"a": 1e999}}}', "notes.ada.a is a number that JSON does not have"),
        ("p.json", b'{"notes": {"ada": {"a": "\\ud800"}}}', "notes.ada.a has a text that is not Unicode"),
        ("p.json", b'{"notes": null}', "[notes] is null; expected: a table of users"),
        ("p.json", b"[]", "is a list; expected: a table of services"),
        ("p.json", b"[" * 100_000, "is nested too deeply"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_stops_the_start_and_says_where(
    name: str, content: bytes, why: str, tmp_path: Path
):
    file = tmp_path / name
    file.write_bytes(content)
    settings = from_environ({"ALLOWED_SERVICES": "notes:static", "PROVIDER_NOTES_FILE": str(file)})
    with pytest.raises(PluginError) as caught:
        PermissionProviders(settings.services, timeout=1, calls=1, max_size=8192)
    assert str(caught.value) == (
        f"ALLOWED_SERVICES: notes:static: configure(options) refused: {file}: {why}"
    )


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_says_so(name: str, tmp_path: Path):
    with pytest.raises(ValueError, match=r"cannot be read: (No such file|Is a directory)"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "FILE: is missing; expected: the path of a TOML or JSON file"),
        ({"fil": "x"}, "FIL: is not known; known are FILE"),
    ],
)
def test_options_that_are_missing_or_misspelt_are_named(options: dict[str, str], why: str):
    with pytest.raises(ValueError, match=why):
        configure(options)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_through_the_service(start: Start, issuer: OidcIssuer, tmp_path: Path):
    file = written(tmp_path / "p.json", '{"*": {"*": {"read": true}}, "b": {"*": {"read": false}}}')
    service = await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES="a:static;b:static",
        PROVIDER_A_FILE=str(file),
        PROVIDER_B_FILE=str(file),
    )
    token = await service.log_in("acme")
    for name, expected in (("a", True), ("b", False)):
        query = {"service": name, "jwt": token}
        answer = await (await service.browser.get("/auth/authorize", params=query)).json()
        assert answer["permissions"] == {"read": expected}
