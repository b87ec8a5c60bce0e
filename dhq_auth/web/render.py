"""Pages: Jinja templates, every value escaped."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

if TYPE_CHECKING:  # whoever asks for no page pays for no templates
    from jinja2 import Environment

PACKAGE = Path(__file__).parent.parent
STATIC = PACKAGE / "static"


class Pages:
    """The templates, loaded when first needed."""

    def __init__(self, **common: Any) -> None:
        self._common = common

    def render(self, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """Return the page that *template* makes of *values*."""
        text = self._templates.get_template(template).render(**values, status=status)
        return web.Response(text=text, status=status, content_type="text/html")

    @cached_property
    def _templates(self) -> "Environment":
        from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

        templates = Environment(
            loader=FileSystemLoader(PACKAGE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.globals.update(self._common)
        return templates


def redirect(location: str, *, status: Literal[302, 303] = 302) -> web.Response:
    """Return a redirect to *location*, which is sent as it is.

    303 turns a POST into a GET (RFC 9110 15.4.4); 307 and 308 would send a form elsewhere.
    """
    response = web.Response(status=status)
    response.headers["Location"] = location
    return response
