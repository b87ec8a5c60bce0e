"""oidc-provider of npm: the fastest of the peers."""

from collections.abc import Mapping
from typing import ClassVar

from aiohttp import ClientSession

from tools.bench.peers.flows import APPLICATION, REFRESH, bearer, code_flow
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN, SQLITE, NodePeer, make_key
from tools.bench.process import Site
from tools.bench.wrk import Load


class OidcProvider(NodePeer):
    """The OpenID Provider of Node."""

    name = "oidc-provider"
    version = "9.13.3"
    runs = "Node's cluster, SQLite by better-sqlite3; tokens are issued by refresh tokens, RS256"
    packages = (f"oidc-provider@{version}", SQLITE)
    app = "oidc_provider.mjs"
    lacks: ClassVar[Mapping[str, str]] = {
        LOGIN: "it knows no passwords: who uses it brings the login"
    }

    def begin(self, site: Site) -> None:
        """Make its key."""
        make_key(site)

    async def loads(self, client: ClientSession, site: Site) -> Mapping[str, Load]:
        """Log in, and get tokens by the code flow."""
        asked = {"scope": "openid offline_access", "prompt": "consent"}
        given = await code_flow(client, site.base, "/auth", "/token", **asked)
        return {
            CHECK: Load("/me", bearer(given.access)),
            ISSUE: Load("/token", APPLICATION, "POST", REFRESH, given.refresh, again=True),
            KEYS: Load("/jwks"),
        }
