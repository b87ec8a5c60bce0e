"""Pages without scripts, escaped by the template engine, under a strict policy."""

from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# The stylesheet and the icon.
STATIC = web.static("/static", _HERE / "static")
_HEADERS = {
    # Browsers apply form-action to every redirect that follows a form, and the choice of a person
    # leads from the issuer through dhq-auth to the application: three ports of localhost.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' https: http://localhost:*; "
        "form-action 'self' http://localhost:*; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": that would blank the Origin of our own forms too.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(template: str, *, status: int = 200, **values: object) -> web.Response:
    """Answer with *template* filled in; every value is escaped."""
    text = _TEMPLATES.get_template(template).render(values)
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)


def drawing(template: str, **values: object) -> web.Response:
    """Answer with an SVG *template* filled in; opened by itself it can run nothing either."""
    text = _TEMPLATES.get_template(template).render(values)
    return web.Response(text=text, content_type="image/svg+xml", headers=_HEADERS)


def redirect(location: str) -> web.Response:
    """Send the browser on with GET, whatever it came with (RFC 9110 15.4.4)."""
    headers = {"Location": location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=303, headers=headers)
