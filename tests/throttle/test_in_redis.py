"""A Redis that is away, hangs or refuses us lets nobody in, and all is well when it is back."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dhq_auth.clock import utcnow
from dhq_auth.errors import Unavailable
from dhq_auth.throttle.failures import LoginFailures
from tests.fakes.proxy import Proxy
from tests.fakes.valkey import ValkeyServer
from tests.throttle.conftest import Make

HERE = "192.0.2.1"
LOOPBACK = IPv4Address("127.0.0.1")
PASSWORD = "p@ss/w?rd#%"
ENCODED = "p%40ss%2Fw%3Frd%23%25"

pytestmark = [
    pytest.mark.valkey,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A server of this test's own, that it may kill."""
    with ValkeyServer() as server:
        yield server


async def assert_nobody_may_try(failures: LoginFailures) -> None:
    for attempt in (failures.begin, failures.check, failures.succeeded):
        with pytest.raises(Unavailable) as refused:
            await attempt("ada", HERE)
        assert int(refused.value.headers["Retry-After"]) > 0


async def test_a_server_that_is_killed_lets_nobody_in_until_it_is_back(
    make: Make, server: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    failures = make(RATE_LIMIT_STORAGE=server.url)
    await failures.begin("ada", HERE)
    server.kill()
    await assert_nobody_may_try(failures)
    (told,) = caplog.messages  # once, not for each
    assert told.startswith("RATE_LIMIT_STORAGE: the storage of limits does not answer: ")
    server.start()
    await failures.begin("ada", HERE)


async def test_a_server_that_was_restarted_costs_no_attempt(
    make: Make, server: ValkeyServer
) -> None:
    failures = make(RATE_LIMIT_STORAGE=server.url)
    await asyncio.gather(*(failures.begin("ada", HERE) for _ in range(5)))
    server.kill()
    server.start()
    await asyncio.gather(*(failures.begin("ada", HERE) for _ in range(5)))


@pytest.mark.slow
async def test_a_server_that_hangs_is_given_up_at_the_deadline(
    make: Make, server: ValkeyServer
) -> None:
    failures = make(RATE_LIMIT_STORAGE=server.url, DATABASE_TIMEOUT="2")
    await failures.begin("ada", HERE)
    server.hold_up()
    begun = time.monotonic()
    attempts = [failures.begin(f"user{number}", HERE) for number in range(50)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert time.monotonic() - begun < 3.6  # not once for the place, and once for each try
    assert {type(each) for each in outcomes} == {Unavailable}
    server.let_go()
    # No answer to an earlier question is taken for that to a later one.
    await asyncio.gather(*(failures.begin("ada", f"192.0.2.{number}") for number in range(2, 50)))
    await failures.succeeded("ada", HERE)


@pytest.mark.parametrize("known", [f":{ENCODED}", f"default:{ENCODED}"])
async def test_a_password_with_every_character_is_understood(make: Make, known: str) -> None:
    with ValkeyServer(PASSWORD) as server:
        failures = make(RATE_LIMIT_STORAGE=f"redis://{known}@127.0.0.1:{server.port}")
        await failures.begin("ada", HERE)
        await failures.close()


@pytest.mark.parametrize("credentials", ["", ":wr0ng@", f"nobody:{ENCODED}@"])
async def test_a_server_that_refuses_us_lets_nobody_in(
    make: Make, caplog: pytest.LogCaptureFixture, credentials: str
) -> None:
    with ValkeyServer(PASSWORD) as server:
        place = f"127.0.0.1:{server.port}"
        await assert_nobody_may_try(make(RATE_LIMIT_STORAGE=f"redis://{credentials}{place}"))
    assert "RATE_LIMIT_STORAGE" in caplog.text
    assert "wr0ng" not in caplog.text
    assert PASSWORD not in caplog.text


async def test_a_server_that_is_full_lets_nobody_in(make: Make, server: ValkeyServer) -> None:
    failures = make(RATE_LIMIT_STORAGE=server.url)
    server.execute("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(Unavailable):
        await failures.begin("ada", HERE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of 127.0.0.1 that nobody vouches for, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "limits")])
    now = utcnow()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "limits.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


@pytest.fixture
async def tls_port(server: ValkeyServer, certificate: Path) -> AsyncIterator[int]:
    """The port at which the server takes TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with Proxy(server.port, tls) as proxy:
        yield proxy.port


async def test_a_server_that_others_vouch_for_is_asked_by_tls(
    make: Make, tls_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await make(RATE_LIMIT_STORAGE=f"rediss://127.0.0.1:{tls_port}").begin("ada", HERE)


@pytest.mark.parametrize(
    ("vouched", "host"), [(False, "127.0.0.1"), (True, "localhost")], ids=["issuer", "host"]
)
async def test_a_server_whose_certificate_is_not_its_own_hears_no_password(
    make: Make,
    tls_port: int,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    *,
    vouched: bool,
) -> None:
    if vouched:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    await assert_nobody_may_try(make(RATE_LIMIT_STORAGE=f"rediss://:secret@{host}:{tls_port}"))


@pytest.mark.slow
async def test_a_server_without_tls_is_not_one_with_tls(make: Make, server: ValkeyServer) -> None:
    url = server.url.replace("redis://", "rediss://")
    await assert_nobody_may_try(make(RATE_LIMIT_STORAGE=url, DATABASE_TIMEOUT="0.1"))


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
async def test_replicas_meet_by_whichever_name_and_other_databases_are_others(
    make: Make, server: ValkeyServer, scheme: str
) -> None:
    place = f"127.0.0.1:{server.port}"
    for database in ("", "/1"):
        first = make(RATE_LIMIT_STORAGE=f"{scheme}://{place}{database}", LOGIN_ATTEMPTS="1")
        await first.begin("ada", HERE)
        with pytest.raises(Exception, match="too many attempts"):
            await make(RATE_LIMIT_STORAGE=f"redis://{place}{database}", LOGIN_ATTEMPTS="1").begin(
                "ada", HERE
            )
