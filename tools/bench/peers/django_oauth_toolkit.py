"""django-oauth-toolkit: Django under gunicorn, an application that needs no consent."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import ClientSession

from tools.bench.peers.flows import APPLICATION, BACK, FORM, REFRESH, SECRET, bearer, code_flow
from tools.bench.peers.peer import (
    ARGON2,
    CHECK,
    EMAIL,
    GUNICORN,
    ISSUE,
    KEYS,
    LOGIN,
    NAME,
    PASSWORD,
    PythonPeer,
    make_key,
)
from tools.bench.process import Site
from tools.bench.wrk import Load


class DjangoOAuthToolkit(PythonPeer):
    """Django's provider."""

    name = "django-oauth-toolkit"
    version = "3.4.1"
    runs = (
        "Django 5.2 under gunicorn (4 threads), SQLite; tokens are issued by refresh tokens, to an "
        "application whose secret is not hashed"
    )
    packages = (f"django-oauth-toolkit=={version}", "django==5.2.19", GUNICORN, ARGON2)

    def begin(self, site: Site) -> None:
        """Make tables, key, user and application."""
        make_key(site)
        django = ("-m", "django")
        self.run(site, *django, "migrate", "--verbosity", "0")
        user = ("createsuperuser", "--noinput", "--username", NAME, "--email", EMAIL)
        self.run(site, *django, *user, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
        application = ["createapplication", "confidential", "authorization-code"]
        application += ["--client-id", NAME, "--client-secret", SECRET, "--redirect-uris", BACK]
        application += ["--skip-authorization", "--algorithm", "RS256", "--no-hash-client-secret"]
        self.run(site, *django, *application)

    def environ(self, site: Site) -> Mapping[str, str]:
        """Name its settings."""
        return {**super().environ(site), "DJANGO_SETTINGS_MODULE": "django_settings"}

    def argv(self, site: Site) -> Sequence[str | Path]:
        """Run gunicorn."""
        return self.gunicorn(site, "django_routes:application")

    async def loads(self, client: ClientSession, site: Site) -> Mapping[str, Load]:
        """Log in, and get tokens by the code flow."""
        account = urlencode({"username": NAME, "password": PASSWORD})
        async with client.post("/login", data=account, headers=FORM) as answer:
            answer.raise_for_status()
        given = await code_flow(client, site.base, "/o/authorize/", "/o/token/", scope="openid")
        return {
            CHECK: Load("/o/userinfo/", bearer(given.access)),
            ISSUE: Load("/o/token/", APPLICATION, "POST", REFRESH, given.refresh, again=True),
            LOGIN: Load("/login", FORM, "POST", account),
            KEYS: Load("/o/.well-known/jwks.json"),
        }
