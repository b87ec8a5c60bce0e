"""Pages: Jinja templates, every value escaped, in the language of the reader."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from aiohttp import web

from dhq_auth.web.devices import device
from dhq_auth.web.headers import ELSEWHERE, policy_with_forms_to
from dhq_auth.web.translations import language_of, translation

if TYPE_CHECKING:  # whoever asks for no page pays for no templates
    from jinja2 import Environment

PACKAGE = Path(__file__).parent.parent
STATIC = PACKAGE / "static"


class Pages:
    """The templates, loaded when first needed; *issuer* is the address that pages name as ours."""

    def __init__(self, issuer: str = "") -> None:
        self._host = urlsplit(issuer).netloc

    def render(
        self,
        request: web.Request,
        template: str,
        *,
        status: int = 200,
        form_targets: Iterable[str] = (),
        **values: Any,
    ) -> web.Response:
        """Return the page that *template* makes of *values*, in the language of *request*.

        The answer to a form of the page may redirect to *form_targets*, too: absolute addresses
        that have been judged already.
        """
        language = language_of(request)
        text = (
            _templates(language)
            .get_template(template)
            .render(
                # On the page of another host ours would be a lie.
                host="" if ELSEWHERE in request else self._host,
                files=request.get(ELSEWHERE, "/static"),
                status=status,
                **values,
            )
        )
        # Typed text that a form shows again may hold half a character (RFC 8259 8.2).
        page = text.encode(errors="replace")
        response = web.Response(body=page, status=status, content_type="text/html", charset="utf-8")
        response.headers["Content-Language"] = language
        response.headers["Vary"] = "Accept-Language"
        response.headers["Content-Security-Policy"] = policy_with_forms_to(form_targets)
        return response


@cache
def _templates(language: str) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    texts = translation(language)
    templates = Environment(
        loader=FileSystemLoader(PACKAGE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    templates.policies["ext.i18n.trimmed"] = True
    templates.globals["language"] = language
    templates.filters.update(
        message=texts.message, day=texts.day, moment=texts.moment, device=device
    )
    templates.install_gettext_callables(  # type: ignore[attr-defined]
        texts.gettext, texts.ngettext, newstyle=True
    )
    return templates


def redirect(location: str, *, status: Literal[302, 303] = 302) -> web.Response:
    """Return a redirect to *location*, which is sent as it is.

    303 turns a POST into a GET (RFC 9110 15.4.4); 307 and 308 would send a form elsewhere.
    """
    response = web.Response(status=status)
    response.headers["Location"] = location
    return response
