"""A middleware for every ASGI framework: every request gets its caller, every refusal its answer.

app = Authentication(app, Verifier("https://login.example.com", service="notes"))

The caller is `scope["state"]["caller"]`, in Starlette and FastAPI `request.state.caller`.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from dhq_auth.sdk.caller import ANONYMOUS, Caller
from dhq_auth.sdk.presented import presented
from dhq_auth.sdk.refusal import REFUSED, Refusal, missing, refusal
from dhq_auth.sdk.verifier import Verifier

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY_VIOLATION: Final = 1008
"""The code by which a WebSocket is closed (RFC 6455 7.4.1)."""


class Authentication:
    """*app*, with the caller in the scope of each HTTP request and each WebSocket.

    Who presents nothing is ANONYMOUS, or with *required* refused; who presents a token that does
    not hold is refused in any case. Denied, raised by *app* before its answer begins, is answered
    with 401 or 403, Unavailable with 503. A WebSocket that is refused is closed before it opens.
    """

    def __init__(self, app: Application, verifier: Verifier, *, required: bool = False) -> None:
        self._app = app
        self._verifier = verifier
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            caller = await self._caller(scope)
            if self._required and not caller.is_authenticated:
                await _refuse(scope, send, missing())
                return
            state = {**scope.get("state", {}), "caller": caller}
            await self._app({**scope, "state": state}, receive, watched)
        except REFUSED as error:
            if begun:
                raise
            await _refuse(scope, send, refusal(error))

    async def _caller(self, scope: Scope) -> Caller:
        headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
        found: dict[bytes, list[str]] = {b"authorization": [], b"auth-token": []}
        for name, value in headers:
            if (values := found.get(name.lower())) is not None:
                values.append(value.decode("latin-1"))
        token = presented(
            found[b"authorization"], found[b"auth-token"], scope.get("query_string", b"")
        )
        return ANONYMOUS if token is None else await self._verifier.verify_async(token)


async def _refuse(scope: Scope, send: Send, answer: Refusal) -> None:
    kind = "http"
    if scope["type"] == "websocket":
        kind = "websocket.http"
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    start = {"type": f"{kind}.response.start", "status": answer.status, "headers": headers}
    await send(start)
    await send({"type": f"{kind}.response.body", "body": answer.body})
