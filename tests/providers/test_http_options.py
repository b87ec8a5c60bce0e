"""What the provider `http` can be told."""

import pytest

from providers.http import configure


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "URL: is missing; expected: an https address"),
        ({"url": "http://example.com/p"}, "http is for loopback hosts only"),
        ({"url": "ftp://example.com"}, "expected: an https address"),
        ({"url": "https://a:b@example.com"}, "it has a user name before the host"),
        ({"url": "https://e.example", "max_age": "soon"}, "MAX_AGE: read 'soon'; expected: a duration"),
        ({"url": "https://e.example", "timeout": "0"}, "TIMEOUT: read '0'; expected: a number of seconds"),
        ({"url": "https://e.example", "tokn": "x"}, "TOKN: is not known; known are URL, TOKEN, TIMEOUT"),
        ({"url": "https://e.example", "token_file": "/nowhere"}, "TOKEN_FILE: '/nowhere' cannot be read"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_used_are_named(options: dict[str, str], why: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is looked at
        configure(options)
    assert why in str(caught.value)


def test_all_faults_of_the_options_are_told_at_once_and_no_secret_is():
    options = {"url": "x", "calls": "many", "token": "hunter2", "token_file": "/nowhere"}
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is looked at
        configure(options)
    text = str(caught.value)
    assert all(name in text for name in ("URL: ", "CALLS: ", "TOKEN: is set, and TOKEN_FILE too"))
    assert "hunter2" not in text
