"""The Valkey of the tests: it asks for its password, can be killed and held up, and comes back."""

import pytest

from tests.fakes.valkey import NoValkeyError, ValkeyServer

pytestmark = pytest.mark.valkey


def test_a_server_begins_empty_and_forgets_when_it_is_killed():
    with ValkeyServer() as server:
        assert server.execute("KEYS", "*") == []
        assert server.execute("SET", "a", "1") == ["OK"]
        assert server.execute("KEYS", "*") == ["a"]
        server.kill()
        with pytest.raises(ConnectionRefusedError):
            server.execute("PING")
        server.start()
        assert server.execute("KEYS", "*") == []


def test_a_server_with_a_password_wants_it():
    with ValkeyServer("secret") as server:
        assert server.execute("PING") == ["PONG"]
        server.password = ""
        assert server.execute("PING") == ["-NOAUTH Authentication required."]


def test_a_server_that_cannot_start_says_why():
    with ValkeyServer() as server:
        other = ValkeyServer()
        other.port = server.port
        with pytest.raises(NoValkeyError, match="in use"), other:
            pass
