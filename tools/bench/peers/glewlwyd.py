"""Glewlwyd of Debian: measured for its start and its memory; it is one process of threads."""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from aiohttp import ClientSession

from tools.bench.peers.flows import cookie
from tools.bench.peers.installation import call
from tools.bench.peers.peer import CHECK, ISSUE, KEYS, LOGIN, Peer
from tools.bench.process import NotRun, Site
from tools.bench.wrk import Load

_SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
_CONFIG = """\
port={port}
bind_address="127.0.0.1"
external_url="{base}/"
login_url="login.html"
api_prefix="api"
log_mode="console"
log_level="ERROR"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_session_authentication="cookie"
profile_session_authentication="cookie"
allow_multiple_user_per_session=true
login_api_enabled=true
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
use_secure_connection=false
secure_connection_key_file="/etc/glewlwyd/cert.key"
secure_connection_pem_file="/etc/glewlwyd/cert.pem"
secure_connection_ca_file="/etc/glewlwyd/ca.crt"
hash_algorithm="SHA512"
database = {{ type = "sqlite3"; path = "{folder}/glewlwyd.db" }};
"""


class Glewlwyd(Peer):
    """The single sign-on server Glewlwyd."""

    name = "glewlwyd"
    version = "2.7.5"
    runs = "Debian's package, SQLite; a session is what is validated; one process"
    ready = "/config"
    lacks: ClassVar[Mapping[str, str]] = {
        ISSUE: "measured for its start and its memory, without its plugin for OpenID",
        KEYS: "measured for its start and its memory, without its plugin for OpenID",
        LOGIN: "its passwords are hashed by PBKDF2, which is not compared with Argon2id",
    }

    def install(self, home: Path) -> None:
        """Look whether Debian's package is there, which only an administrator can install."""
        home.mkdir(parents=True, exist_ok=True)
        if shutil.which("glewlwyd") is None or not _SCHEMA.exists():
            raise NotRun("the package is missing; on Debian: apt-get install glewlwyd")
        status = call(["dpkg-query", "-W", "-f", "${Version}", "glewlwyd"], home)
        if not status.startswith(self.version):
            raise NotRun(f"the package is {status}, not {self.version}")

    def begin(self, site: Site) -> None:
        """Make its database, with the user that comes with it."""
        with sqlite3.connect(site.folder / "glewlwyd.db") as database:
            database.executescript(_SCHEMA.read_text())
        database.close()
        config = _CONFIG.format(port=site.port, base=site.base, folder=site.folder)
        (site.folder / "glewlwyd.conf").write_text(config)

    def argv(self, site: Site) -> Sequence[str | Path]:
        """Run it."""
        return ["glewlwyd", f"--config-file={site.folder / 'glewlwyd.conf'}"]

    async def loads(
        self,
        client: ClientSession,
        site: Site,  # noqa: ARG002 - it needs no more
    ) -> Mapping[str, Load]:
        """Log in."""
        account = {"username": "admin", "password": "password"}
        async with client.post("/api/auth/", json=account) as answer:
            answer.raise_for_status()
            return {CHECK: Load("/api/profile_list", cookie(answer.cookies))}

    def files(self, home: Path) -> Sequence[Path]:
        """Return the files of the package, without the libraries of Debian that it needs."""
        listed = call(["dpkg", "-L", "glewlwyd", "glewlwyd-common"], home).splitlines()
        return [path for path in map(Path, listed) if path.is_file()]
