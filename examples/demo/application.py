"""A small application that lets dhq-auth sign its users in: copy from here.

1. Nobody is known: offer what `/auth/check` offers.
2. "Sign in" makes a PKCE pair (RFC 7636), keeps the verifier in a cookie and sends the browser to
   dhq-auth with the challenge.
3. dhq-auth sends it back with a one-time code, which is worth nothing without the verifier; code
   and verifier together are swapped for the token, out of sight of the browser's history and logs.
4. The token stays in a cookie that no script can read, and goes to dhq-auth with each question.
"""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, web
from aiohttp.typedefs import Handler
from yarl import URL

from examples.demo.auth_client import AuthClient, Refused
from examples.demo.loopback import loopback_only
from examples.demo.pages import STATIC, page, redirect

SERVICE = "notes"
TOKEN = "demo-token"  # noqa: S105 - the name of a cookie
VERIFIER = "demo-verifier"


class Application:
    """The pages of the application at *address*."""

    auth: AuthClient

    def __init__(self, address: str, auth_address: str) -> None:
        self.address = address
        self.auth_address = auth_address
        self.callback_url = f"{address}/callback"
        # On https, also name the cookies `__Host-…`.
        self.secure = address.startswith("https://")

    async def connect(self, _: web.Application) -> AsyncIterator[None]:
        """Keep one connection pool while the application runs."""
        timeout = ClientTimeout(total=10)
        async with ClientSession(cookie_jar=DummyCookieJar(), timeout=timeout) as http:
            self.auth = AuthClient(self.auth_address, http)
            yield

    async def home(self, request: web.Request) -> web.Response:
        """Show who you are and what you may do, or how to sign in."""
        token = request.cookies.get(TOKEN)
        who = await self.auth.check(token, self.callback_url)
        if not token or not who["authenticated"]:
            response = page(
                "sign_in.html", providers=who["providers"], reason=token and who.get("reason")
            )
            response.del_cookie(TOKEN)
            return response
        service_token = (await self.auth.authorize(token, SERVICE))["token"]
        claims = await self.auth.verify(service_token, SERVICE)
        return page(
            "home.html",
            profile=who["profile"],
            service=SERVICE,
            permissions=claims["permissions"],
            claims=json.dumps(claims, indent=2, ensure_ascii=False),
            expires=datetime.fromtimestamp(claims["exp"], UTC),
            service_token=service_token,
            auth_address=self.auth_address,
        )

    async def sign_in(self, request: web.Request) -> web.Response:
        """Send the browser to dhq-auth, which sends it on to the provider chosen."""
        who = await self.auth.check(None, self.callback_url)
        provider = who["providers"].get(request.match_info["provider"])
        if provider is None:
            raise web.HTTPNotFound
        verifier = secrets.token_urlsafe(32)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        response = redirect(
            str(
                URL(provider["url"]).update_query(
                    response_mode="code",
                    code_challenge=challenge,
                    code_challenge_method="S256",
                )
            )
        )
        self._set_cookie(response, VERIFIER, verifier, max_age=600)
        return response

    async def callback(self, request: web.Request) -> web.Response:
        """Swap the code for a token, and leave the code out of the address.

        Somebody else's code does not fit this browser's verifier: nobody can be signed in under
        another's name by following a link.
        """
        code, verifier = request.query.get("code"), request.cookies.get(VERIFIER)
        if not code or not verifier:
            raise Refused("This sign-in was not begun in this browser, or took too long.")
        answer = await self.auth.exchange(code, verifier)
        response = redirect("/")
        self._set_cookie(response, TOKEN, answer["token"], max_age=answer["expires_in"])
        response.del_cookie(VERIFIER)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session at dhq-auth, then forget the token.

        Other sites must not do this to the user, nor other ports of localhost, which browsers do
        send the cookie for: every browser names the Origin of a form that is posted.
        """
        if request.headers.get("Origin") != self.address:
            raise web.HTTPForbidden(text="This form belongs to another page.")
        if token := request.cookies.get(TOKEN):
            with suppress(Refused):  # It had ended already.
                await self.auth.logout(token)
        response = redirect("/")
        response.del_cookie(TOKEN)
        return response

    def _set_cookie(self, response: web.Response, name: str, value: str, max_age: int) -> None:
        response.set_cookie(
            name, value, max_age=max_age, httponly=True, samesite="Lax", secure=self.secure
        )


@web.middleware
async def explain_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn a refusal, and a dhq-auth that does not answer, into a page with a way back."""
    try:
        return await handler(request)
    except Refused as error:
        return page("failed.html", status=400, reason=str(error))
    except (ClientError, TimeoutError):
        return page("failed.html", status=502, reason="dhq-auth does not answer. Is it running?")


def create_application(address: str, auth_address: str) -> web.Application:
    """Make the application that browsers reach at *address*."""
    application = Application(address, auth_address)
    app = web.Application(middlewares=[loopback_only, explain_failures])
    app.cleanup_ctx.append(application.connect)
    app.add_routes(
        [
            web.get("/", application.home),
            web.get("/sign-in/{provider}", application.sign_in),
            web.get("/callback", application.callback),
            web.post("/sign-out", application.sign_out),
            STATIC,
        ]
    )
    return app
