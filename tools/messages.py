"""Collect the texts of the pages into dhq_auth/locale, and compile what is translated.

python tools/messages.py

What is found are the texts in the templates, and in the code: those in `marked("…")` and
`Message("…")`, the titles of refusals, and the details that are written out where a refusal is
raised, or given as `refusal=…`; also those in a constant that is named there. The programs' answers stay in English.
"""

import ast
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from dhq_auth.web.translations import DOMAIN, LANGUAGES, LOCALE, SOURCE_LANGUAGE

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dhq_auth"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
MARKS = {"marked", "Message"}
# What answers before there is a request that a page could be for, what no browser sees, and what other
# services run.
WITHOUT_PAGES = {"cli", "migrations", "sdk", "serving"}
WIDTH = 100
EPOCH = datetime.fromtimestamp(0, UTC)
# What the history says already, or nobody: it would only change with every run.
NOISE = (
    *(b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By'),
    *(b'"Report-Msgid-Bugs-To', b'"Last-Translator', b'"Language-Team'),
)


def found() -> Catalog:
    """Return what is to be translated, from the templates and from the code."""
    catalog = Catalog(project=DOMAIN, charset="utf-8")
    for path in sorted((PACKAGE / "templates").glob("*.html")):
        options = {"trimmed": "true", "newstyle_gettext": "true"}
        with path.open("rb") as file:
            for _, text, _, _ in extract("jinja2", file, KEYWORDS, options=options):
                _add(catalog, path, text)
    sources = _sources()
    refusals = _refusals(sources.values())
    constants = {name: value for tree in sources.values() for name, value in _constants(tree)}
    for path, tree in sources.items():
        for text in _texts(tree, refusals, {**constants, **dict(_constants(tree))}):
            _add(catalog, path, text)
    return catalog


def unsayable() -> list[str]:
    """Return where a refusal has its values inside its text, so that nobody can translate it."""
    sources = _sources()
    refusals = _refusals(sources.values())
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _name(node.func) in refusals
        and node.args
        and isinstance(node.args[0], ast.JoinedStr)
    ]


def _sources() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text())
        for path in sorted(PACKAGE.rglob("*.py"))
        if not WITHOUT_PAGES & set(path.parts)
    }


def _add(catalog: Catalog, path: Path, text: str | tuple[str, ...]) -> None:
    # Without the numbers of lines, which would change with everything else.
    catalog.add(text, locations=[(str(path.relative_to(ROOT)), 0)])


def _refusals(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of all classes below AuthError."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    known, before = {"AuthError"}, 0
    while len(known) > before:
        before = len(known)
        known |= {each.name for each in classes if known & {_name(base) for base in each.bases}}
    return known


def _texts(
    tree: ast.Module, refusals: set[str], constants: Mapping[str, ast.expr]
) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function, args=[detail, *_]) if _name(function) in refusals | MARKS:
                yield from _strings(detail, constants)
            case ast.keyword(arg="refusal", value=refusal):
                yield from _strings(refusal, constants)
            case ast.ClassDef(name=name, body=body) if name in refusals:
                yield from _titles(body)
                yield from _details(body, constants)


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Give what is written at the top of a module, by name."""
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                yield name, value


def _strings(node: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    """Give the texts that *node* can be: written there, or in a constant of the module."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.Name(id=name) if name in constants:
            yield from _strings(constants[name], {})
        case ast.Subscript(value=ast.Name(id=name)) if name in constants:
            if isinstance(table := constants[name], ast.Dict):
                yield from (text for each in table.values for text in _strings(each, {}))
        case ast.IfExp(body=one, orelse=other):
            yield from (*_strings(one, constants), *_strings(other, constants))


def _titles(body: list[ast.stmt]) -> Iterator[str]:
    """Give the title of a class of refusals."""
    yield from (
        text
        for name, value in _constants(ast.Module(body, []))
        if name == "title"
        for text in _strings(value, {})
    )


def _details(body: list[ast.stmt], constants: Mapping[str, ast.expr]) -> Iterator[str]:
    """Give the detail that a class of refusals gives to all of its own."""
    for node in (node for statement in body for node in ast.walk(statement)):
        match node:
            case ast.Call(func=ast.Attribute(attr="__init__"), args=[detail, *_]):
                yield from _strings(detail, constants)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def updated(language: str) -> Catalog:
    """Return the catalogue of *language*, with what is new, and without what is gone."""
    path = _folder(language) / f"{DOMAIN}.po"
    with path.open("rb") as file:
        catalog = read_po(file, locale=language, domain=DOMAIN)
    catalog.update(found(), no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    return catalog


def source_of(catalog: Catalog) -> bytes:
    """Return *catalog* as the text of a .po file."""
    file = io.BytesIO()
    write_po(file, catalog, width=WIDTH, sort_by_file=True, include_lineno=False)
    return b"".join(
        line for line in file.getvalue().splitlines(keepends=True) if not line.startswith(NOISE)
    )


def compiled(catalog: Catalog) -> bytes:
    """Return *catalog* as gettext reads it."""
    file = io.BytesIO()
    catalog.creation_date = catalog.revision_date = EPOCH
    write_mo(file, catalog)
    return file.getvalue()


def texts_of(message: Message) -> list[tuple[str, str]]:
    """Return what *message* says, singular and plural, each with its translation or ""."""
    if isinstance(message.id, tuple):
        return list(zip(message.id, message.string or ("", ""), strict=True))
    return [(message.id, message.string or "")]


def untranslated(catalog: Catalog) -> list[str]:
    """Return the texts of *catalog* that are not said in its language."""
    return [
        source
        for message in catalog
        if message.id
        for source, translated in texts_of(message)
        if not translated
    ]


def _folder(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES"


def main() -> None:
    """Write the catalogues; exit 1 if something has no translation."""
    missing = []
    for language in LANGUAGES:
        if language == SOURCE_LANGUAGE:
            continue
        catalog = updated(language)
        (_folder(language) / f"{DOMAIN}.po").write_bytes(source_of(catalog))
        (_folder(language) / f"{DOMAIN}.mo").write_bytes(compiled(catalog))
        missing += [f"{language}: no translation of {text!r}" for text in untranslated(catalog)]
    print(*missing, sep="\n", file=sys.stderr, end="\n" if missing else "")
    sys.exit(bool(missing))


if __name__ == "__main__":
    main()
