"""GitHub on this machine: its web application flow and the REST calls a login makes.

It keeps the documented behaviour, odd as some of it is: errors of the token endpoint come with
status 200, answers are form-encoded unless JSON is asked for, API requests without a User-Agent
are refused, and an endpoint whose scope is missing is not found.

    async with GitHub() as github:
        github.user["email"] = None
        github.faults["emails"] = rate_limited

The endpoints are `authorize`, `access_token`, `user` and `emails`.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from tests.fakes.client import Client
from tests.fakes.oauth import (
    Authorization,
    ProtocolError,
    bearer,
    challenge_of,
    proves,
    redirect_with,
    singly,
)
from tests.fakes.server import Changes, Handler, LocalServer, changed

DOCS = "https://docs.github.com/rest"
CODE_LIFETIME = timedelta(minutes=10)
RATE_LIMIT = 5000
NO_USER_AGENT = (
    "Request forbidden by administrative rules. "
    "Please make sure your request has a User-Agent header.\n"
)


class GitHub(LocalServer):
    """GitHub with one OAuth app and one user at a time; `url` and `api_url` as Enterprise has them.

    *granted* are the scopes that the user allows of those asked for, all if `None`.
    """

    def __init__(
        self,
        client: Client | None = None,
        *,
        page_size: int = 30,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        self.client = client or Client(id="Iv1.8a61f9b3a7aba766", secret="0ff1ce" * 6 + "cafe")
        self.page_size = page_size
        self.now = now
        self.granted: set[str] | None = None
        self.authorization: Changes = {}
        self.user: dict[str, object] = {
            "login": "ada",
            "id": 42,
            "node_id": "MDQ6VXNlcjQy",
            "avatar_url": "https://avatars.githubusercontent.com/u/42?v=4",
            "type": "User",
            "name": "Ada Lovelace",
            "email": None,
        }
        self.emails: list[dict[str, object]] = [email("ada@example.com", primary=True)]
        self._codes: dict[str, Authorization] = {}
        self._tokens: dict[str, Authorization] = {}

    @property
    def url(self) -> str:
        return self.origin

    @property
    def api_url(self) -> str:
        return f"{self.origin}/api/v3"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get("/login/oauth/authorize", self._authorize, name="authorize"),
            web.post("/login/oauth/access_token", self._access_token, name="access_token"),
            web.get("/api/v3/user", self._user, name="user"),
            web.get("/api/v3/user/emails", self._user_emails, name="emails"),
        ]

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = {name: value for name, value in request.query.items() if value}
        registered = min(self.client.redirect_uris)
        redirect_uri = asked.get("redirect_uri", registered)
        answer: dict[str, object]
        if asked.get("client_id") != self.client.id:
            return web.Response(status=404, text="Not Found")
        if not any(_leads_below(redirect_uri, uri) for uri in self.client.redirect_uris):
            redirect_uri, answer = registered, _redirect_uri_mismatch().members()
        else:
            try:
                answer = {"code": self._code_for(asked, redirect_uri)}
            except ProtocolError as error:
                answer = error.members()
        if "state" in asked:
            answer["state"] = asked["state"]
        return redirect_with(redirect_uri, changed(answer, self.authorization))

    def _code_for(self, asked: Mapping[str, str], redirect_uri: str) -> str:
        scope = frozenset(asked.get("scope", "").replace(",", " ").split())
        code = secrets.token_hex(10)
        self._codes[code] = Authorization(
            dict(self.user),
            redirect_uri,
            scope if self.granted is None else scope & self.granted,
            self.now(),
            challenge=challenge_of(asked, required=False),
            access_token="gho_" + secrets.token_hex(18),
        )
        return code

    async def _access_token(self, request: web.Request) -> web.Response:
        try:
            answer = self._redeemed({**singly(request.query), **singly(await request.post())})
        except ProtocolError as error:
            answer = error.members()
        if "application/json" in request.headers.get("Accept", ""):
            return web.json_response(answer)
        form = "application/x-www-form-urlencoded"
        return web.Response(text=urlencode(answer), content_type=form, charset="utf-8")

    def _redeemed(self, given: Mapping[str, str]) -> dict[str, object]:
        if (given.get("client_id"), given.get("client_secret")) != (
            self.client.id,
            self.client.secret,
        ):
            raise ProtocolError(
                "incorrect_client_credentials",
                "The client_id and/or client_secret passed are incorrect.",
            )
        granted = self._codes.pop(given.get("code", ""), None)
        if granted is None or self.now() >= granted.at + CODE_LIFETIME:
            raise _bad_verification_code()
        if given.get("redirect_uri", granted.redirect_uri) != granted.redirect_uri:
            raise _redirect_uri_mismatch()
        if not proves(given.get("code_verifier"), granted.challenge):
            raise _bad_verification_code()
        self._tokens[granted.access_token] = granted
        return {
            "access_token": granted.access_token,
            "scope": ",".join(sorted(granted.scope)),
            "token_type": "bearer",
        }

    async def _user(self, request: web.Request) -> web.Response:
        try:
            granted = self._authenticated(request)
        except ProtocolError as error:
            return _api_error(error)
        return web.json_response(granted.user, headers=_limits(self.now(), granted.scope))

    async def _user_emails(self, request: web.Request) -> web.Response:
        try:
            granted = self._authenticated(request)
            if not granted.scope & {"user", "user:email"}:
                return _api_error(ProtocolError("not_found", "Not Found", 404))
        except ProtocolError as error:
            return _api_error(error)
        size = min(int(request.query.get("per_page", self.page_size)), self.page_size)
        page = int(request.query.get("page", "1"))
        headers = _limits(self.now(), granted.scope)
        if links := self._links(size, page):
            headers["Link"] = links
        return web.json_response(self.emails[(page - 1) * size : page * size], headers=headers)

    def _links(self, size: int, page: int) -> str:
        """Return the Link header of a page: `next` and `last`, `first` and `prev` as they exist."""
        last = max(1, -(-len(self.emails) // size))
        pages = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        if page <= 1:
            del pages["prev"], pages["first"]
        if page >= last:
            del pages["next"], pages["last"]
        base = f"{self.api_url}/user/emails?per_page={size}"
        return ", ".join(f'<{base}&page={number}>; rel="{rel}"' for rel, number in pages.items())

    def _authenticated(self, request: web.Request) -> Authorization:
        """Return what the token of *request* stands for."""
        if not request.headers.get("User-Agent"):
            raise ProtocolError("forbidden", NO_USER_AGENT, 403)
        token = bearer(request)
        if token is None:
            raise ProtocolError("unauthenticated", "Requires authentication", 401)
        if token not in self._tokens:
            raise ProtocolError("unauthenticated", "Bad credentials", 401)
        return self._tokens[token]


def email(
    address: str, *, primary: bool = False, verified: bool = True, public: bool = False
) -> dict[str, object]:
    """Return one member of `GitHub.emails`; only the primary address has a visibility."""
    visibility = ("public" if public else "private") if primary else None
    return {"email": address, "primary": primary, "verified": verified, "visibility": visibility}


async def rate_limited(_request: web.Request, _handler: Handler) -> web.StreamResponse:
    """Refuse as GitHub does when the hour's requests are used up."""
    headers = _limits(datetime.now(UTC), frozenset()) | {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Used": str(RATE_LIMIT),
    }
    members = {
        "message": "API rate limit exceeded for user ID 42.",
        "documentation_url": f"{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api",
    }
    return web.json_response(members, status=403, headers=headers)


def _limits(now: datetime, scope: frozenset[str]) -> dict[str, str]:
    return {
        "X-OAuth-Scopes": ", ".join(sorted(scope)),
        "X-RateLimit-Limit": str(RATE_LIMIT),
        "X-RateLimit-Remaining": str(RATE_LIMIT - 1),
        "X-RateLimit-Used": "1",
        "X-RateLimit-Reset": str(int(now.timestamp()) + 3600),
        "X-RateLimit-Resource": "core",
    }


def _api_error(error: ProtocolError) -> web.Response:
    if error.status == 403:
        return web.Response(status=403, text=str(error), content_type="text/html")
    members = {"message": str(error), "documentation_url": DOCS, "status": str(error.status)}
    return web.json_response(members, status=error.status)


def _bad_verification_code() -> ProtocolError:
    return ProtocolError("bad_verification_code", "The code passed is incorrect or expired.")


def _redirect_uri_mismatch() -> ProtocolError:
    return ProtocolError(
        "redirect_uri_mismatch",
        "The redirect_uri MUST match the registered callback URL for this application.",
    )


def _leads_below(uri: str, registered: str) -> bool:
    """Tell whether *uri* is the registered one or below it; on loopback addresses any port is."""
    asked, known = urlsplit(uri), urlsplit(registered)
    same_port = asked.port == known.port or _is_loopback(known.hostname)
    below = f"{asked.path.rstrip('/')}/".startswith(f"{known.path.rstrip('/')}/")
    return (asked.scheme, asked.hostname) == (known.scheme, known.hostname) and same_port and below


def _is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
