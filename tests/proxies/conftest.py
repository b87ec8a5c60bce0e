"""What the tests of proxies share: a service that trusts one, and somebody with an account."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dhq_auth.db import Database
from tests.fixtures.service import Browser, Service, Start
from tests.proxies.site import Person, Site, site
from tests.proxies.visitor import TRUSTING, Visitor
from tests.self_service.people import GOOD

Run = Callable[..., Awaitable[Site]]


@pytest.fixture
async def trusting(start: Start, database_url: str) -> Service:
    """A service behind a proxy."""
    postgresql = database_url.startswith("postgresql")
    return await start(**TRUSTING, **({"SECRET_KEY": "k" * 40} if postgresql else {}))


@pytest.fixture
async def proxy(trusting: Service) -> AsyncIterator[Browser]:
    """The connection of the proxy to the service."""
    async with Browser(str(trusting.browser.session._base_url), forgets=True) as connected:
        yield connected


@pytest.fixture
async def visitor(proxy: Browser) -> Visitor:
    """A browser that has never been anywhere; there is an account `alice`."""
    answer = await proxy.post("/auth/register", json={"username": "alice", "password": GOOD})
    assert answer.status == 201, await answer.text()
    return Visitor(proxy)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for *.example.com, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.example.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
async def run(start: Start, tmp_path: Path, certificate: tuple[Path, Path]) -> AsyncIterator[Run]:
    """A function that runs an example's proxy with everything behind it."""
    async with AsyncExitStack() as stack:

        async def run(file: str, *providers: object, **options: Any) -> Site:
            running = site(start, file, tmp_path / "proxy", certificate, *providers, **options)
            return await stack.enter_async_context(running)

        yield run


@pytest.fixture
async def person(at: Site) -> AsyncIterator[Person]:
    """Somebody with a browser in front of the site that the test is at."""
    somebody = Person(at)
    yield somebody
    await somebody.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database of the service, opened beside it."""
    database = Database(database_url, pool=1, timeout=5)
    yield database
    await database.close()
