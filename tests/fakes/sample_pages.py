"""Every page as a user of ours might see it, without the service behind: for eyes and judges."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

from aiohttp import web

from dhq_auth.access.accounts import NAMES
from dhq_auth.message import Message
from dhq_auth.metrics import Metrics
from dhq_auth.settings import from_environ
from dhq_auth.web.answer import answer_middleware
from dhq_auth.web.life import Life
from dhq_auth.web.observe import Requests
from dhq_auth.web.render import STATIC, Pages
from dhq_auth.web.routing import Route, add_routes

NOW: Final = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
PICTURE: Final = (
    "data:image/svg+xml,"
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'%3E%3Cpath d='M0 0h9v9z'/%3E%3C/svg%3E"
)
ADA: Final = SimpleNamespace(
    id="k3v9qv1s7d5m2x8c",
    name="Ada Lovelace",
    first_name="Ada",
    last_name="Lovelace",
    username="ada",
    email="ada@example.com",
    avatar_url=None,
    created_at=NOW - timedelta(days=400),
)
NOBODY: Final = SimpleNamespace(
    **{**vars(ADA), "name": None, "username": None, "first_name": None, "last_name": None}
)
LONG: Final = SimpleNamespace(
    **{**vars(ADA), "name": "W" * 200, "username": "x" * 64, "email": f"{'e' * 200}@example.com"}
)
MALLORY: Final = SimpleNamespace(
    **{
        **vars(ADA),
        "name": "<script>window.owned = 1</script>",
        "username": '"><img src=x onerror=window.owned=2>',
        "avatar_url": "javascript:window.owned=3",
        "email": "'onfocus='window.owned=4'autofocus='",
    }
)
HIDDEN: Final = {"next": "https://app.example.com/notes?page=2", "response_mode": None}
FIREFOX: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PROVIDERS: Final = [
    {"title": title, "url": f"/auth/login/{title.lower()}"}
    for title in ("Google", "GitHub", "Acme")
]
LOGIN: Final[dict[str, Any]] = {
    "user": None,
    "providers": PROVIDERS,
    "password": True,
    "register_url": "/register",
    "login_url": "/login",
    "hidden": HIDDEN,
    "username": "",
    "email": "",
    "error": None,
    "min_length": 15,
}


def named(user: SimpleNamespace) -> dict[str, Any]:
    """Return what the profile shows of *user*."""
    return {"user": user, "names": {name: getattr(user, name) or "" for name in NAMES}}


PROFILE: Final[dict[str, Any]] = {
    **named(ADA),
    "identities": [
        {"title": "Google", "linked_at": NOW, "last_login_at": NOW},
        {"title": "GitHub", "linked_at": None, "last_login_at": None},
    ],
    "has_password": True,
    "password_expires_at": None,
    "error": None,
    "min_length": 15,
}
SIGN_OUT: Final[dict[str, Any]] = {
    "user": ADA,
    "application": "app.example.com:8443",
    "action": "/.dhq-auth/sign_out",
    "start": "/.dhq-auth/start",
    "branch": True,
}
TOO_SHORT: Final = Message("The password must have at least {count} characters.", count=15)


def session(agent: str | None, *, current: bool = False, **changes: object) -> dict[str, object]:
    """Return a session of the list."""
    return {
        "id": f"s{agent}",
        "current": current,
        "provider": "password",
        "created_at": NOW,
        "used_at": NOW + timedelta(hours=2),
        "expires_at": NOW + timedelta(days=7),
        "address": "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "user_agent": agent,
        **changes,
    }


def token(title: str, **changes: object) -> dict[str, object]:
    """Return a token of the list."""
    return {
        "token_id": f"t{title}",
        "title": title,
        "hint": "x7Kq",
        "scopes": None,
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=90),
        "used_at": None,
        "revoked_at": None,
        "expired": False,
        **changes,
    }


VALUE: Final = "6879-" + "Zk3v9qv1s7d5m2x8cAbCdEfGh" * 2
SAMPLES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "login": ("login.html", LOGIN),
    "login-failed": (
        "login.html",
        {**LOGIN, "username": "ada", "error": "There is no account with this name and password."},
    ),
    "login-again": ("login.html", {**LOGIN, "user": ADA}),
    "login-long": ("login.html", {**LOGIN, "user": LONG, "providers": []}),
    "login-providers": ("login.html", {**LOGIN, "password": False, "register_url": None}),
    "login-nothing": (
        "login.html",
        {**LOGIN, "password": False, "providers": [], "register_url": None},
    ),
    "register": ("register.html", LOGIN),
    "register-refused": ("register.html", {**LOGIN, "username": "ada", "error": TOO_SHORT}),
    "profile": ("profile.html", PROFILE),
    "profile-new": (
        "profile.html",
        {
            **PROFILE,
            **named(NOBODY),
            "identities": [],
            "password_expires_at": NOW,
        },
    ),
    "profile-refused": ("profile.html", {**PROFILE, "error": TOO_SHORT, "at": "password"}),
    "profile-long": ("profile.html", {**PROFILE, **named(LONG), "has_password": False}),
    "hostile": (
        "profile.html",
        {**PROFILE, **named(MALLORY), "error": "</p><script>window.owned = 5</script>"},
    ),
    "delete": ("delete.html", {"user": ADA, "error": None}),
    "delete-refused": (
        "delete.html",
        {"user": ADA, "error": Message("Type {expected} to confirm.", expected="ada")},
    ),
    "sessions": (
        "sessions.html",
        {
            "sessions": [
                session(FIREFOX, current=True),
                session("curl/8.14.1", provider="Google", used_at=None, expires_at=None),
                session(None, address=None),
                session("W" * 255),
            ]
        },
    ),
    "tokens": (
        "tokens.html",
        {
            "made": None,
            "error": None,
            "tokens": [
                token("backup of every night", used_at=NOW),
                token("notes", scopes=frozenset({"profile", "authorize:notes"}), expires_at=None),
                token("an old one", revoked_at=NOW),
                token("an older one", expired=True),
                token("T" * 255, scopes=frozenset({f"authorize:{'s' * 255}"})),
            ],
        },
    ),
    "tokens-made": (
        "tokens.html",
        {"error": None, "tokens": [token("notes")], "made": {"token": VALUE, "title": "notes"}},
    ),
    "tokens-none": (
        "tokens.html",
        {
            "error": Message("The parameter {name} is missing.", name="title"),
            "tokens": [],
            "made": None,
        },
    ),
    "developer": ("developer.html", {"token": token("developer token"), "made": None}),
    "developer-made": ("developer.html", {"token": token("developer token"), "made": VALUE}),
    "developer-none": ("developer.html", {"token": None, "made": None}),
    "setup": ("setup.html", {"made": None, "needs_code": True, "error": None}),
    "setup-refused": (
        "setup.html",
        {"made": None, "needs_code": True, "error": "The setup code is wrong."},
    ),
    "setup-done": (
        "setup.html",
        {"made": {"username": "admin", "password": VALUE}, "needs_code": False, "error": None},
    ),
    "signed-out": ("signed_out.html", {}),
    "sign-out": ("sign_out.html", SIGN_OUT),
    "sign-out-whole": ("sign_out.html", {**SIGN_OUT, "branch": False}),
    "sign-out-hostile": ("sign_out.html", {**SIGN_OUT, "user": MALLORY}),
    "sign-out-done": ("sign_out.html", {**SIGN_OUT, "user": None}),
    "error": (
        "error.html",
        {
            "title": "The login did not succeed",
            "detail": Message("The login at {title} was cancelled.", title="Acme"),
            "code": "login_failed",
            "request_id": "0011223344556677",
            "way_back": "/login",
            "status": 400,
        },
    ),
}


def application(host: str) -> web.Application:
    """Return an application with each of SAMPLES at its name."""
    pages = Pages(f"http://{host}")

    async def sample(request: web.Request) -> web.Response:
        template, values = SAMPLES[request.match_info["name"]]
        return pages.render(request, template, **values)

    life = Life()
    life.begin()
    answer = answer_middleware(from_environ({}), pages, life)
    app = web.Application(middlewares=[Requests(Metrics()).middleware(), answer])
    add_routes(app, [Route(method="GET", path="/samples/{name}", handler=sample, kind="page")])
    app.router.add_static("/static", STATIC)
    return app
