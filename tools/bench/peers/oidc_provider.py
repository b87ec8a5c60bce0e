"""oidc-provider of npm: the fastest of the peers."""

import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from aiohttp import ClientSession, CookieJar
from yarl import URL

from dhq_auth.opaque import s256
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, NAME, Peer, Site, call, from_npm, into
from tools.bench.process import Command
from tools.bench.wrk import Load

_SECRET = "secret-of-the-application"  # noqa: S105 - of a benchmark
_BACK = "https://application.example/back"


class OidcProvider(Peer):
    """The OpenID Provider of Node."""

    name = "oidc-provider"
    version = "9.13.3"
    runs = "Node's cluster, SQLite by better-sqlite3; tokens are issued by a refresh token, RS256"

    def install(self, home: Path) -> None:
        """Install it from npm."""
        from_npm(home, f"oidc-provider@{self.version}", "better-sqlite3@12.11.1")

    def begin(self, site: Site) -> None:
        """Make its key."""
        (site.folder / "key.pem").write_text(call(["openssl", "genrsa", "2048"], site.folder))

    def command(self, site: Site) -> Command:
        """Run Node."""
        environ = {
            "NODE_ENV": "production",
            "PORT": str(site.port),
            "DATA": str(site.folder),
            "PROCESSES": str(site.processes),
        }
        argv = ["node", str(into(site.home, "oidc_provider.mjs"))]
        return Command(argv=argv, ready="/healthz", cwd=site.folder, environ=environ)

    async def prepare(self, site: Site) -> Mapping[str, Load]:
        """Log in, and get a token by the code flow with PKCE."""
        verifier = secrets.token_urlsafe(48)
        asked = {
            "client_id": NAME,
            "response_type": "code",
            "redirect_uri": _BACK,
            "scope": "openid offline_access",
            "prompt": "consent",
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
        }
        url = f"{site.base}/auth?{urlencode(asked)}"
        client = b64encode(f"{NAME}:{_SECRET}".encode()).decode()
        form = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Basic {client}",
        }
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            while not url.startswith(_BACK):
                async with browser.get(URL(url, encoded=True), allow_redirects=False) as answer:
                    url = urljoin(url, answer.headers["Location"])
            sent = {
                "grant_type": "authorization_code",
                "code": parse_qs(urlsplit(url).query)["code"][0],
                "redirect_uri": _BACK,
                "code_verifier": verifier,
            }
            posted = browser.post(f"{site.base}/token", data=urlencode(sent), headers=form)
            async with posted as answer:
                answer.raise_for_status()
                tokens = json.loads(await answer.text())
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        presented = {"Authorization": f"Bearer {tokens['access_token']}"}
        return {
            CHECK: Load("/me", presented),
            ISSUE: Load("/token", form, "POST", urlencode(refresh)),
            KEYS: Load("/jwks"),
        }
