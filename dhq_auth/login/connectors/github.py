"""GitHub and GitHub Enterprise: OAuth 2 with PKCE; who came is asked of the API."""

import logging
from collections.abc import Mapping
from typing import Any

from dhq_auth.clock import Clock
from dhq_auth.errors import LoginFailed, UpstreamFailed
from dhq_auth.login.connectors.protocol import (
    Identity,
    LoginRequest,
    access_token,
    authorization_code,
    authorization_request,
    email_address,
    label,
    text,
    web_address,
)
from dhq_auth.message import Message
from dhq_auth.remote import Answer, Remote
from dhq_auth.settings import Limits, ProviderSettings

log = logging.getLogger(__name__)

API_VERSION = "2022-11-28"
MAX_PAGES = 5
MAX_ID = 2**63


class GitHubConnector:
    """GitHub. The account is the numeric id: login names change hands."""

    def __init__(
        self, settings: ProviderSettings, remote: Remote, _limits: Limits, _now: Clock
    ) -> None:
        self.settings = settings
        self._remote = remote

    async def authorization_url(self, request: LoginRequest, login_hint: str | None) -> str:
        """Return where the browser is to go; GitHub calls the hint `login`."""
        endpoint = f"{self.settings.issuer}/login/oauth/authorize"
        return authorization_request(endpoint, self.settings, request, login=login_hint)

    async def identity(self, request: LoginRequest, answer: Mapping[str, str]) -> Identity:
        """Return who came, with the primary email if GitHub has verified it."""
        issuer = self.settings.issuer
        if answer.get("iss", issuer) not in {issuer, f"{issuer}/login/oauth"}:
            raise LoginFailed(
                Message("The answer does not come from {title}.", title=self.settings.title)
            )
        token = await self._token(request, authorization_code(answer, self.settings.title))
        user = self._content(await self._call("/user", token))
        if not isinstance(user, dict):
            raise UpstreamFailed(
                Message("{title} did not say who logged in", title=self.settings.title)
            )
        number = user.get("id")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < MAX_ID:
            raise UpstreamFailed(Message("{title} named no user", title=self.settings.title))
        email = _verified_email(await self._emails(token))
        return Identity(
            issuer=issuer,
            subject=str(number),
            email=email,
            email_verified=email is not None,
            name=label(user.get("name")) or text(user.get("login")),
            login=text(user.get("login")),
            avatar_url=web_address(user.get("avatar_url")),
        )

    async def _token(self, request: LoginRequest, code: str) -> str:
        """Redeem *code*. GitHub reports faults with status 200 and a member `error`."""
        secret = self.settings.client_secret
        answer = await self._remote.call(
            self.settings.name,
            "POST",
            f"{self.settings.issuer}/login/oauth/access_token",
            form={
                "client_id": self.settings.client_id,
                "client_secret": secret.value if secret else "",
                "code": code,
                "redirect_uri": request.redirect_uri,
                "code_verifier": request.code_verifier,
            },
        )
        content = answer.content
        if isinstance(content, dict) and "error" in content:
            error = content["error"]
            if error == "bad_verification_code":
                raise LoginFailed(
                    Message("{title} does not know the code any more.", title=self.settings.title)
                )
            log.error("%s: no token: %s", self.settings.name, text(error) or "unreadable")
            raise UpstreamFailed(Message("{title} gave no token", title=self.settings.title))
        if answer.status != 200:
            raise UpstreamFailed(Message("{title} gave no token", title=self.settings.title))
        return access_token(content, self.settings.title)

    async def _emails(self, token: str) -> list[Any]:
        """Return what GitHub lists of the user's emails; none where the user did not allow it."""
        emails: list[Any] = []
        for page in range(1, MAX_PAGES + 1):
            answer = await self._call(f"/user/emails?per_page=100&page={page}", token)
            if answer.status in {403, 404} and not _is_limited(answer.headers):
                return []
            content = self._content(answer)
            if not isinstance(content, list):
                raise UpstreamFailed(
                    Message("{title} did not say who logged in", title=self.settings.title)
                )
            emails += content
            # Only whether there is more is believed, not where: the token goes nowhere else.
            if 'rel="next"' not in answer.headers.get("Link", ""):
                break
        return emails

    async def _call(self, path: str, token: str) -> Answer:
        return await self._remote.call(
            self.settings.name,
            "GET",
            f"{self.settings.api_url}{path}",
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )

    def _content(self, answer: Answer) -> Any:
        if answer.status != 200:
            log.warning("%s: its API answered %d", self.settings.name, answer.status)
            raise UpstreamFailed(
                Message("{title} did not say who logged in", title=self.settings.title)
            )
        return answer.content


def _verified_email(emails: list[Any]) -> str | None:
    """Return the primary email if it is verified, else another verified one."""
    verified = [
        entry for entry in emails if isinstance(entry, dict) and entry.get("verified") is True
    ]
    verified.sort(key=lambda entry: entry.get("primary") is not True)
    return next((email for entry in verified if (email := email_address(entry.get("email")))), None)


def _is_limited(headers: Mapping[str, str]) -> bool:
    return headers.get("X-RateLimit-Remaining") == "0" or "Retry-After" in headers
