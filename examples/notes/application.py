"""The HTTP of the service.

`GET /notes` (`?mine` for one's own), `POST /notes`, `PUT /notes?id=eq.…`, `DELETE /notes?id=eq.…`;
conditions are `column=eq.value`, and a change or a deletion wants at least one.
"""

from typing import Any

from aiohttp import web

from dhq_auth.sdk import Verifier
from dhq_auth.sdk.aiohttp import CALLER, middleware
from examples.notes.store import Notes

FIELDS = {"user_id": str, "title": str, "text": str, "published": bool}
MAX_TEXT = 10_000
MAX_USER_ID = 128
BOOLEANS = {"eq.true": True, "eq.false": False}


class Application:
    """The routes."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    async def read(self, request: web.Request) -> web.Response:
        """Give the notes that the caller may read."""
        mine = "mine" in request.query
        found = await self._notes.read(request[CALLER], conditions(request), mine=mine)
        return web.json_response({"items": found})

    async def create(self, request: web.Request) -> web.Response:
        """Add a note."""
        note = await self._notes.create(request[CALLER], await fields(request))
        return web.json_response(note, status=201)

    async def update(self, request: web.Request) -> web.Response:
        """Change the notes that the conditions name, as far as the caller may."""
        wanted, sent = chosen(request), await fields(request)
        return web.json_response({"items": await self._notes.update(request[CALLER], wanted, sent)})

    async def delete(self, request: web.Request) -> web.Response:
        """Delete the notes that the conditions name, as far as the caller may."""
        return web.json_response(
            {"items": await self._notes.delete(request[CALLER], chosen(request))}
        )


def create_application(verifier: Verifier, notes: Notes) -> web.Application:
    """Make the service; the middleware says who asks, and answers what is refused."""
    routes = Application(notes)
    app = web.Application(middlewares=[middleware(verifier)], client_max_size=64 * 1024)
    app.router.add_get("/notes", routes.read)
    app.router.add_post("/notes", routes.create)
    app.router.add_put("/notes", routes.update)
    app.router.add_delete("/notes", routes.delete)
    return app


def conditions(request: web.Request) -> dict[str, Any]:
    """Return what the query demands of columns (`title=eq.x`)."""
    wanted: dict[str, Any] = {}
    for name, value in request.query.items():
        if name in ("mine", "jwt"):
            continue
        if name not in ("id", *FIELDS) or not value.startswith("eq.") or not is_text(value):
            raise web.HTTPBadRequest(text="Conditions are column=eq.value.")
        if FIELDS.get(name) is bool and value not in BOOLEANS:
            raise web.HTTPBadRequest(text=f"{name} is eq.true or eq.false.")
        wanted[name] = BOOLEANS[value] if FIELDS.get(name) is bool else value.removeprefix("eq.")
    return wanted


def chosen(request: web.Request) -> dict[str, Any]:
    """Return the conditions of a request that would else be for every row."""
    if not (wanted := conditions(request)):
        raise web.HTTPBadRequest(text="Say which: id=eq.… or another column.")
    return wanted


async def fields(request: web.Request) -> dict[str, Any]:
    """Return what was sent of a note, each field of its type."""
    try:
        sent = await request.json()
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="Send a JSON object.") from None
    if not isinstance(sent, dict) or not sent or not sent.keys() <= FIELDS.keys():
        raise web.HTTPBadRequest(text=f"Send a JSON object with some of {', '.join(FIELDS)}.")
    for name, value in sent.items():
        if not isinstance(value, FIELDS[name]) or (isinstance(value, str) and not is_text(value)):
            raise web.HTTPBadRequest(text=f"{name} must be a {FIELDS[name].__name__}.")
    if len(sent.get("user_id", "")) > MAX_USER_ID:
        raise web.HTTPBadRequest(text=f"user_id has at most {MAX_USER_ID} characters.")
    return sent


def is_text(value: str) -> bool:
    """Tell whether a database can keep *value*: no NUL, no halves of characters, not too much."""
    return len(value) <= MAX_TEXT and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value)
