"""django-oauth-toolkit: Django under gunicorn, an application that needs no consent."""

import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import ClientSession, CookieJar

from dhq_auth.opaque import s256
from tools.bench.peers.peer import (
    APPS,
    CHECK,
    ISSUE,
    KEYS,
    LOGIN,
    NAME,
    PASSWORD,
    Peer,
    Site,
    call,
    from_pypi,
)
from tools.bench.process import Command
from tools.bench.wrk import Load

_SECRET = "secret-of-the-application"  # noqa: S105 - of a benchmark
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_BACK = "http://127.0.0.1/back"


class DjangoOAuthToolkit(Peer):
    """Django's provider."""

    name = "django-oauth-toolkit"
    version = "3.4.1"
    runs = (
        "Django 5.2 under gunicorn (4 threads), SQLite; tokens are issued by a refresh token, to an "
        "application whose secret is not hashed"
    )

    def install(self, home: Path) -> None:
        """Install it from PyPI."""
        from_pypi(
            home,
            f"django-oauth-toolkit=={self.version}",
            "django==5.2.19",
            "gunicorn==27.0.1",
            "argon2-cffi==25.1.0",
        )

    def begin(self, site: Site) -> None:
        """Make tables, key, user and application."""
        key = call(["openssl", "genrsa", "2048"], site.folder)
        (site.folder / "key.pem").write_text(key)
        python, environ = site.home / "bin/python", self._environ(site)
        call([python, "-m", "django", "migrate", "--verbosity", "0"], site.folder, environ)
        user = ["--username", NAME, "--email", "bench@example.com"]
        superuser = ["createsuperuser", "--noinput", *user]
        password = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        call([python, "-m", "django", *superuser], site.folder, {**environ, **password})
        application = ["createapplication", "confidential", "authorization-code"]
        application += ["--client-id", NAME, "--client-secret", _SECRET, "--redirect-uris", _BACK]
        application += ["--skip-authorization", "--algorithm", "RS256", "--no-hash-client-secret"]
        call([python, "-m", "django", *application], site.folder, environ)

    def _environ(self, site: Site) -> dict[str, str]:
        return {
            "DATA": str(site.folder),
            "DJANGO_SETTINGS_MODULE": "django_settings",
            "PYTHONPATH": str(APPS),
        }

    def command(self, site: Site) -> Command:
        """Run gunicorn."""
        argv = [str(site.home / "bin/python"), "-m", "gunicorn", "django_routes:application"]
        argv += ["--bind", f"127.0.0.1:{site.port}", "--workers", str(site.processes)]
        argv += ["--worker-class", "gthread", "--threads", "4", "--log-level", "warning"]
        environ = self._environ(site)
        return Command(argv=argv, ready="/healthz", cwd=site.folder, environ=environ)

    async def prepare(self, site: Site) -> Mapping[str, Load]:
        """Log in, and get a token by the code flow with PKCE."""
        account = urlencode({"username": NAME, "password": PASSWORD})
        client = b64encode(f"{NAME}:{_SECRET}".encode()).decode()
        form = {**_FORM, "Authorization": f"Basic {client}"}
        verifier = secrets.token_urlsafe(48)
        asked = {
            "client_id": NAME,
            "response_type": "code",
            "redirect_uri": _BACK,
            "scope": "openid",
            "state": "s",
            "code_challenge": s256(verifier),
            "code_challenge_method": "S256",
        }
        async with ClientSession(site.base, cookie_jar=CookieJar(unsafe=True)) as browser:
            async with browser.post("/login", data=account, headers=_FORM) as answer:
                answer.raise_for_status()
            begun = browser.get("/o/authorize/", params=asked, allow_redirects=False)
            async with begun as answer:
                code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
            sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": _BACK}
            sent["code_verifier"] = verifier
            async with browser.post("/o/token/", data=urlencode(sent), headers=form) as answer:
                answer.raise_for_status()
                tokens = json.loads(await answer.text())
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        presented = {"Authorization": f"Bearer {tokens['access_token']}"}
        return {
            CHECK: Load("/o/userinfo/", presented),
            ISSUE: Load("/o/token/", form, "POST", urlencode(refresh)),
            LOGIN: Load("/login", _FORM, "POST", account),
            KEYS: Load("/o/.well-known/jwks.json"),
        }
