"""The sockets we listen on, and how many files the system lets us have."""

import resource

import pytest

from dhq_auth.serving.sockets import allow_connections, bind_for_workers


@pytest.fixture
def few_files():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_on_open_files_is_raised_for_as_many_connections_as_wanted(few_files):
    assert allow_connections(700) == 700
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 700


def test_a_limit_that_is_high_enough_is_left_alone(few_files):
    assert allow_connections(10) == 10
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 512


def test_the_workers_share_one_port():
    first, second = bind_for_workers("127.0.0.1", 0, 2)
    assert [sock.getsockname() for sock in first] == [sock.getsockname() for sock in second]
    for sock in (*first, *second):
        sock.close()
