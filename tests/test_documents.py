"""What the documents for people claim of the repository is so."""

import re
from pathlib import Path

import pytest
from aiohttp import web

from dhq_auth.app import create_app
from dhq_auth.cli import COMMANDS
from dhq_auth.errors import AuthError
from dhq_auth.settings import from_environ
from dhq_auth.web.openapi import DOCUMENT
from tests.settings.test_variables import NAMES

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")]
MAKEFILE = (ROOT / "Makefile").read_text()

each_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT))
)


def code_in(text: str) -> str:
    """Return what is written as code: blocks, and what stands between backticks."""
    found = re.findall(r"^```[^\n]*\n(.*?)^```|`([^`\n]+)`", text, re.MULTILINE | re.DOTALL)
    return "\n".join(block or inline for block, inline in found)


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if not target.startswith(("https://", "http://", "mailto:")):
            path, _, heading = target.partition("#")
            linked = document.parent / path if path else document
            assert linked.exists(), target
            assert not heading or heading in headings(linked), target


def headings(document: Path) -> set[str]:
    """Return the anchors of *document*."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@each_document
def test_what_is_to_be_made_is_in_the_makefile(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", code_in(document.read_text()))) <= targets


def test_make_help_tells_of_every_target() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE)) == set(phony.split())


@each_document
def test_the_commands_exist(document: Path) -> None:
    named = re.findall(r"\bdhq-auth ([a-z]+)(?![\w-])", code_in(document.read_text()))
    assert set(named) <= COMMANDS.keys()


@each_document
def test_the_files_exist(document: Path) -> None:
    tops = "dhq_auth|docs|examples|extensions|providers|tests|tools"
    for path in re.findall(rf"(?<![\w/.])(?:{tops})/[\w./-]*", code_in(document.read_text())):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(
    "document",
    # That of plugins names their options, which the tests of its examples know.
    [document for document in DOCUMENTS if document.name != "plugins.md"],
    ids=lambda document: str(document.relative_to(ROOT)),
)
def test_the_variables_exist(document: Path) -> None:
    known = NAMES | {f"{name}_FILE" for name in NAMES}
    families = ("OIDC_", "ISSUER_", "PROVIDER_", "EXTENSION_", "POSTGRES_", "NOTES_", "OTEL_")
    known |= {"PYTHON_VERSION", "X_FILE", "NAME_FILE"}  # of a build; of any variable
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", document.read_text()):
        assert name in known or name.startswith(families), name


def test_the_architecture_names_every_module_and_no_other() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    tree = re.search(r"^dhq_auth/\n((?:  .*\n)+)", text, re.MULTILINE)
    assert tree is not None
    named = set(re.findall(r"^  (\w+)(?:\.py|/)", tree[1], re.MULTILINE))
    there = {
        path.stem
        for path in (ROOT / "dhq_auth").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert named == there


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    from dhq_auth import errors  # noqa: PLC0415 - its docstring is what is tested

    drawn = re.findall(r"[├└]── (\w+)(?:\s+(\d{3}))?", errors.__doc__ or "")
    for name, status in drawn:
        assert not status or getattr(errors, name).status == int(status), name
    classes = {
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, AuthError) and not name.startswith("_")
    }
    assert {name for name, _ in drawn} == classes - {"AuthError"}


@pytest.fixture
def app(tmp_path: Path) -> web.Application:
    """The service, not started."""
    return create_app(from_environ({"DATABASE_URL": f"sqlite:///{tmp_path}/x.db"}))


def test_every_route_is_in_the_api_or_a_page(app: web.Application) -> None:
    pages = {
        *("/", "/login", "/login/continue", "/register", "/setup", "/signed-out", "/static"),
        *("/profile", "/profile/names", "/profile/delete"),
        *("/profile/sessions", "/profile/sessions/end"),
        *("/profile/tokens", "/profile/tokens/revoke"),
        *("/profile/developer", "/profile/developer/revoke"),
        *("/.dhq-auth/start", "/.dhq-auth/callback", "/.dhq-auth/sign_out", "/.dhq-auth/static"),
        "/auth/verify/{tail}",  # of which OpenAPI knows no more than that it is there
    }
    routed = {resource.canonical.rstrip("/") or "/" for resource in app.router.resources()}
    assert routed == pages | set(app[DOCUMENT].content["paths"])
