"""A plugin that cannot be used stops the start, and the text says which and why."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dhq_auth.app import create_app
from dhq_auth.plugins import Extensions, PermissionProviders, PluginError
from dhq_auth.settings import Settings, from_environ
from tests.plugins.conftest import Offer, Write

ROOT = Path(__file__).parents[2]


def refused(**environ: str) -> str:
    """Return why the plugins in *environ* stop the start."""
    settings = from_environ(environ)
    with pytest.raises(PluginError) as caught:
        load(settings)
    return str(caught.value)


def load(settings: Settings) -> None:
    Extensions(settings.extensions, timeout=1, calls=1)
    PermissionProviders(settings.services, timeout=1, calls=1, max_size=8192)


def provider(name: str, **options: str) -> str:
    return refused(ALLOWED_SERVICES=name, **options)


def extension(name: str, **options: str) -> str:
    return refused(INSTALLED_EXTENSIONS=name, **options)


@pytest.mark.parametrize(
    "name", ["nowhere", "nowhere.to.be.found", "dhq_auth.nowhere", ".relative", "a..b", "a-b"]
)
def test_a_name_that_nobody_has_is_told_with_those_that_are_known(name):
    assert provider(name) == (
        f"ALLOWED_SERVICES: {name}: there is neither a module nor an entry point of this name in "
        "dhq_auth.providers (known: http, policies, static)"
    )
    assert extension(name) == (
        f"INSTALLED_EXTENSIONS: {name}: there is neither a module nor an entry point of this name "
        "in dhq_auth.extensions (known: log_events, webhook)"
    )


def test_a_slip_of_the_pen_gets_a_hint():
    assert extension("log_event").endswith("(known: log_events, webhook); did you mean log_events?")


def test_the_alias_is_named_beside_the_provider():
    assert provider("notes:nowhere").startswith("ALLOWED_SERVICES: notes:nowhere: there is")


def test_all_that_cannot_be_used_are_told_at_once():
    assert [line.split(": ")[1] for line in provider("nowhere;static;away:gone").splitlines()] == [
        "nowhere", "static", "away:gone",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name' ({file}, line 1)"),
        ("import plugin_of_test.inside", "ModuleNotFoundError: No module named 'plugin_of_test.inside'; 'plugin_of_test' is not a package ({file}, line 1)"),
        ("from json import nothing", "ImportError: cannot import name 'nothing' from 'json' ({json}) ({file}, line 1)"),
        ("\n1 / 0", "ZeroDivisionError: division by zero ({file}, line 2)"),
        ("def broken(:\n  pass", "SyntaxError: invalid syntax (plugin_of_test.py, line 1)"),
        ("raise SystemExit('two\\nlines')", "SystemExit: two lines ({file}, line 1)"),
    ],
)  # fmt: skip
def test_an_error_inside_the_module_is_told_apart_from_a_missing_one(
    source: str, why: str, module: Write, tmp_path: Path
):
    import json  # noqa: PLC0415

    name = module(source)
    file = tmp_path / "modules" / f"{name}.py"
    expected = why.format(file=file, json=json.__file__)
    assert extension(name) == f"INSTALLED_EXTENSIONS: {name}: its import failed: {expected}"


def test_a_package_that_exists_without_the_module_in_it_is_a_missing_module(module: Write):
    module("", "package_of_test.__init__")
    assert "there is neither a module" in provider("package_of_test.nowhere")


def test_what_a_package_offers_is_found_by_its_short_name(module: Write, offer: Offer):
    module("class P:\n    def get_permissions(self, service, userid): return {}\nplugin = P()")
    offer("package_of_test", "dhq_auth.providers", short="plugin_of_test:plugin")
    load(from_environ({"ALLOWED_SERVICES": "notes:short"}))
    assert "(known: http, policies, short, static)" in provider("nowhere")


def test_what_a_package_offers_in_one_group_is_not_in_the_other(module: Write, offer: Offer):
    offer("package_of_test", "dhq_auth.providers", short=module("def on_event(event): ..."))
    assert "there is neither a module nor an entry point" in extension("short")


def test_what_a_package_offers_but_does_not_have_is_told(offer: Offer):
    offer("package_of_test", "dhq_auth.extensions", short="nowhere_at_all", odd="json:nothing")
    assert extension("short") == (
        "INSTALLED_EXTENSIONS: short: its import failed: ModuleNotFoundError: No module named "
        "'nowhere_at_all'"
    )
    assert "its import failed: AttributeError: " in extension("odd")


def test_a_short_name_that_two_packages_offer_is_nobodys(offer: Offer):
    offer("package_one", "dhq_auth.extensions", short="one.plugin")
    offer("package_two", "dhq_auth.extensions", short="two.plugin")
    assert extension("short") == (
        "INSTALLED_EXTENSIONS: short: one.plugin and two.plugin both go by this name in "
        "dhq_auth.extensions; name the module"
    )


@pytest.mark.parametrize(
    ("function", "seen"),
    [
        ("def get_permissions(service): ...", "get_permissions(service)"),
        ("def get_permissions(service, userid, more): ...", "get_permissions(service, userid, more)"),
        ("async def get_permissions(*, service, userid): ...", "get_permissions(*, service, userid)"),
        ("def get_permissions(a, b, c, d='secret'): ...", "get_permissions(a, b, c, d=…)"),
    ],
)  # fmt: skip
def test_a_v1_function_that_cannot_be_called_is_shown_with_what_is_wanted(
    function: str, seen: str, module: Write
):
    name = module(function)
    assert provider(name) == (
        f"ALLOWED_SERVICES: {name}: {seen} must be callable as get_permissions(service, userid)"
    )


@pytest.mark.parametrize("marked", ["", "from dhq_auth import hookimpl\n@hookimpl\n"])
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("taken", ["", "question", "context, more", "question=None", "*, more"])
def test_a_grant_that_cannot_be_called_is_shown_with_what_is_wanted(
    taken: str, kind: str, marked: str, module: Write
):
    name = module(f"{marked}{kind} grant({taken}): ...")
    seen = taken.replace("=None", "=…")
    assert provider(name) == (
        f"ALLOWED_SERVICES: {name}: grant({seen}) must be callable as grant(context)"
    )


@pytest.mark.parametrize("marked", ["", "from dhq_auth import hookimpl\n@hookimpl\n"])
@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("hook", ["on_new_user", "on_user_login", "on_user_logout", "on_event"])
@pytest.mark.parametrize("taken", ["user", "{}, more", "user='x'", "*, more"])
def test_a_hook_that_cannot_be_called_is_shown_with_what_is_wanted(
    taken: str, hook: str, kind: str, marked: str, module: Write
):
    argument = "event" if hook == "on_event" else "user_info"
    name = module(f"{marked}{kind} {hook}({taken.format(argument)}): ...")
    seen = taken.format(argument).replace("'x'", "…")
    assert extension(name) == (
        f"INSTALLED_EXTENSIONS: {name}: {hook}({seen}) must be callable as {hook}({argument})"
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "it has none of the hooks on_new_user, on_user_login, on_user_logout, on_event, deliver"),
        ("def on_new_users(user_info): ...", "it has no hook named on_new_users (did you mean on_new_user?)"),
        ("def on_event(event): ...\ndef on_user_logn(user_info): ...", "it has no hook named on_user_logn (did you mean on_user_login?)"),
        ("on_new_user = 'text'", "on_new_user is no function; it must be callable as on_new_user(user_info)"),
        ("def on_event(event): ...\ndef close(connection): ...", "close(connection) must be callable as close()"),
        ("from dhq_auth import hookimpl\n@hookimpl(tryfirst=True)\ndef on_event(event): ...", "on_event: hookimpl takes no options here, but has tryfirst"),
        ("from dhq_auth import hookimpl\n@hookimpl(wrapper=True)\ndef on_event(event): yield", "on_event: hookimpl takes no options here, but has wrapper"),
        ("class Plugin:\n    def on_event(self, event): ...\ndef configure(options): return Plugin", "on_event(self, event) must be callable as on_event(event)"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_an_extension_that_would_hear_nothing_is_refused(source: str, why: str, module: Write):
    name = module(source)
    assert extension(name) == f"INSTALLED_EXTENSIONS: {name}: {why}"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "it has neither grant(context) nor get_permissions(service, userid)"),
        ("def get_permission(service, userid): ...", "it has neither grant(context) nor get_permissions(service, userid), but get_permission (did you mean get_permissions?)"),
        ("def configure(options): return 7", "it has neither grant(context) nor get_permissions(service, userid)"),
        ("get_permissions = {}", "get_permissions is no function; it must be callable as get_permissions(service, userid)"),
    ],
)  # fmt: skip
def test_a_provider_that_could_not_answer_is_refused(source: str, why: str, module: Write):
    name = module(source)
    assert provider(name) == f"ALLOWED_SERVICES: {name}: {why}"


@pytest.mark.parametrize(
    ("configure", "why"),
    [
        ("def configure(options): raise ValueError('colour: read \\'x\\';\\n expected: red')", "configure(options) refused: colour: read 'x'; expected: red"),
        ("def configure(options): return options['missing']", "configure(options) failed: KeyError: 'missing' ({file}, line 1)"),
        ("def configure(options): raise SystemExit(3)", "configure(options) failed: SystemExit: 3 ({file}, line 1)"),
        ("async def configure(options): ...", "configure(options) must be a plain function, not an async one"),
        ("def configure(): ...", "configure() must be callable as configure(options)"),
        ("configure = 1", "configure is no function; it must be callable as configure(options)"),
    ],
)  # fmt: skip
def test_a_configure_that_does_not_work_is_told(
    configure: str, why: str, module: Write, tmp_path: Path
):
    name = module(f"{configure}\ndef get_permissions(service, userid): return {{}}")
    expected = why.format(file=tmp_path / "modules" / f"{name}.py")
    assert provider(f"notes:{name}") == f"ALLOWED_SERVICES: notes:{name}: {expected}"


def test_options_for_a_plugin_that_takes_none_are_named_without_their_values(module: Write):
    name = module("def get_permissions(service, userid): return {}")
    text = provider(f"notes:{name}", PROVIDER_NOTES_TOKEN="hunter2", PROVIDER_NOTES_COLOUR="red")
    assert text == (
        f"ALLOWED_SERVICES: notes:{name}: it takes no options (it has no configure), but was "
        "given colour, token"
    )


def test_one_extension_under_two_names_is_refused():
    assert extension("log_events;extensions.log_events") == (
        "INSTALLED_EXTENSIONS: extensions.log_events: it is installed already, as log_events"
    )


@pytest.mark.parametrize(
    "source",
    [
        "def on_new_user(user_info={}): ...",
        "def on_new_user(user_info, retries=3): ...",
        "def on_new_user(): ...",
        "def on_new_user(*, user_info): ...",
        "def on_new_user(user_info, /): ...",
        "def on_new_user(*anything): ...",
        "def on_new_user(**anything): ...",
        "import functools\ndef full(more, user_info): ...\non_new_user = functools.partial(full, 1)",
        "class Hears:\n    async def __call__(self, user_info): ...\non_new_user = Hears()",
        "on_new_user = print",
        "class E:\n    def on_event(self, event): ...\n    def __len__(self): return 0\ndef configure(options): return E()",
    ],
)  # fmt: skip
def test_every_way_to_write_a_hook_that_can_be_called_is_taken(source: str, module: Write):
    load(from_environ({"INSTALLED_EXTENSIONS": module(source)}))


@pytest.mark.process
def test_the_program_ends_with_one_line_and_without_a_traceback(tmp_path: Path):
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(ROOT / "server.py")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "ALLOWED_SERVICES": "nowhere", "PORT": "0"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ALLOWED_SERVICES: nowhere: there is neither")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("**/*.db"))


def test_the_application_is_not_made_without_its_plugins(tmp_path: Path):
    settings = from_environ(
        {"INSTALLED_EXTENSIONS": "nowhere", "DATABASE_URL": f"sqlite:///{tmp_path}/a.db"}
    )
    with pytest.raises(PluginError, match="INSTALLED_EXTENSIONS: nowhere"):
        create_app(settings)
