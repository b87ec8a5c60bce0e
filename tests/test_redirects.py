"""Where a browser that carries a token may be sent: hostile addresses, and the ones that survive."""

import re
from urllib.parse import quote

import pytest

from dhq_auth.redirects import Origin, RedirectPattern, Redirects, handed_over, with_parameter
from tests.redirect_addresses import ALL_HOSTILE, HOSTILE, LEGITIMATE, LISTED, REDIRECTS


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_token_never_goes_to(kind):
    reached = []
    for url in HOSTILE[kind]:
        try:
            reached.append(REDIRECTS.check(url))
        except ValueError as refusal:
            assert re.match("(it|its|no entry|servers) ", str(refusal)), ascii(url)  # noqa: PT017
    assert reached == []


def test_the_table_of_hostile_addresses_is_long_and_without_repetition():
    assert len(set(ALL_HOSTILE)) == len(ALL_HOSTILE) > 250


@pytest.mark.parametrize("url", LEGITIMATE, ids=lambda url: url[:60])
def test_a_listed_address_passes_byte_for_byte(url):
    assert REDIRECTS.check(url) == url


def test_characters_outside_ascii_are_percent_encoded_for_the_header():
    url = "https://app.example.com/é/%20?q=日本&x=%C3%A9#ü"
    encoded = "https://app.example.com/%C3%A9/%20?q=%E6%97%A5%E6%9C%AC&x=%C3%A9#%C3%BC"
    assert REDIRECTS.check(url) == encoded
    assert REDIRECTS.check(encoded) == encoded


@pytest.mark.parametrize(
    ("listed", "reached", "not_reached"),
    [
        ("https://a.example/", "https://a.example/any?x#y", "https://a.example./"),
        ("https://a.example.", "https://a.example./x", "https://a.example/x"),
        ("http://localhost.:3000", "http://localhost.:3000", "http://localhost:3000"),
        ("https://a.example:8443", "https://a.example:8443", "https://a.example"),
        ("https://a.example/x/", "https://a.example/x", "https://a.example/xy"),
        ("https://a.example/x/y", "https://a.example/x/y/z", "https://a.example/x"),
        ("https://a.example/x/../y", "https://a.example/y", "https://a.example/x"),
        ("https://a.example//x", "https://a.example//x/y", "https://a.example/x"),
        ("https://a.example/é", "https://a.example/%C3%A9/x", "https://a.example/e"),
        ("https://a.example/%C3%A9", "https://a.example/é", "https://a.example/%c3"),
        ("http://127.0.0.2:*", "http://127.0.0.2:81", "http://127.0.0.1:81"),
        ("http://sub.localhost:*/", "http://sub.localhost:5", "http://localhost:5"),
        ("http://[2001:DB8::0:1]", "http://[2001:db8:0:0::1]", "http://[2001:db8::2]"),
        ("https://xn--mnchen-3ya.example", "https://XN--mnchen-3ya.example/", "https://m.example"),
    ],
)
def test_an_entry_reaches_what_it_says_and_no_further(listed, reached, not_reached):
    redirects = Redirects((RedirectPattern.parse(listed),))
    assert redirects.check(reached)
    with pytest.raises(ValueError, match="no entry of ALLOWED_REDIRECTS covers it"):
        redirects.check(not_reached)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("*", "it does not begin with https:// or http://"),
        ("app.example.com", "it does not begin with https:// or http://"),
        ("https://*.example.com", "its host or port is not valid"),
        ("https://app.example.com:*", "only a loopback host may have any port"),
        ("http://127.evil.example:*", "only a loopback host may have any port"),
        ("http://localhost.:*", "only a loopback host may have any port"),
        ("http://localhost/x:*", "and no path behind it"),
        ("http://localhost:*/x", "its host or port is not valid"),
        ("https://app.example.com?", "it has a query or a fragment"),
        ("https://app.example.com/#x", "it has a query or a fragment"),
        ("https://u:p@app.example.com", "it has a user name before the host"),
        ("https://münchen.example", "an international name begins with xn--"),
        ("http://127.1:*", "its host is not an IP address in the usual spelling"),
        ("http://[::ffff:7f00:1]:*", "its host is not an IP address in the usual spelling"),
    ],
)
def test_an_entry_that_means_nothing_is_refused(entry, fault):
    with pytest.raises(ValueError, match=re.escape(fault)):
        RedirectPattern.parse(entry)


@pytest.mark.parametrize("entry", [*LISTED, "https://a.example:8443/x/y", "https://a.example//x"])
def test_an_entry_is_written_as_it_is_read(entry):
    assert str(RedirectPattern.parse(entry)) == entry


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://localhost:1", True),
        ("http://a.localhost", True),
        ("http://127.0.0.1", True),
        ("https://127.255.255.254", True),
        ("http://[::1]", True),
        ("http://localhost.", False),
        ("http://localhost.example", False),
        ("http://xlocalhost", False),
        ("http://128.0.0.1", False),
        ("http://0.0.0.0", False),
        ("http://[::]", False),
    ],
)
def test_loopback_is_what_no_other_machine_can_be(url, is_loopback):
    assert Origin.of(url).is_loopback is is_loopback


def test_an_application_can_take_codes_only():
    redirects = Redirects(
        (RedirectPattern.parse("https://a.example"), RedirectPattern.parse("https://b.example")),
        (RedirectPattern.parse("https://a.example/spa"), RedirectPattern.parse("http://[::1]:*")),
    )
    assert not redirects.takes_tokens("https://a.example/spa/callback?x=1")
    assert not redirects.takes_tokens("https://A.example/x/../spa")
    assert redirects.takes_tokens("https://a.example/other")
    assert redirects.takes_tokens("https://b.example/spa")
    assert redirects.check("https://b.example/x/..%2fspa")
    with pytest.raises(ValueError, match="servers may read its path in more than one way"):
        redirects.check("https://a.example/x/..%2fspa")


@pytest.mark.parametrize(
    ("path", "handed"),
    [
        ("/.dhq-auth/callback?state=x", True),
        ("/.dhq-auth", True),
        ("/.dhq-auth/", True),
        ("/.dhq-auth#x", True),
        ("/x/../.dhq-auth/callback", True),
        ("/x/%2E%2e/./.dhq-auth/callback", True),
        ("", False),
        ("/", False),
        ("/.dhq-auth-not", False),
        ("/x/.dhq-auth/callback", False),
        ("/.dhq-auth/../callback", False),
        ("?x=/.dhq-auth/", False),
    ],
)
def test_what_applications_hand_over_gets_no_token(path: str, *, handed: bool) -> None:
    redirects = Redirects((RedirectPattern.parse("https://a.example"),))
    url = f"https://a.example{path}"
    assert redirects.check(url) == url
    assert redirects.takes_tokens(url) is not handed
    assert handed_over(url) == (Origin.of(url) if handed else None)


@pytest.mark.parametrize(
    "path",
    ["/%2edhq-auth/x", "/.dhq%2Dauth/x", "/.DHQ-AUTH/x", "/.dhq-auth%2fx", "//.dhq-auth/x", "/"],
)
def test_where_only_the_hand_off_is_listed_no_other_spelling_is(path: str) -> None:
    redirects = Redirects((RedirectPattern.parse("https://a.example/.dhq-auth"),))
    with pytest.raises(ValueError, match="no entry"):
        redirects.check(f"https://a.example{path}")


ADDED = [
    ("http://localhost:3000", "http://localhost:3000?jwt=J"),
    ("http://localhost:3000/", "http://localhost:3000/?jwt=J"),
    ("http://localhost:3000?", "http://localhost:3000?jwt=J"),
    ("http://localhost:3000#top", "http://localhost:3000?jwt=J#top"),
    ("http://localhost:3000#", "http://localhost:3000?jwt=J#"),
    ("http://localhost:3000?#", "http://localhost:3000?jwt=J#"),
    ("http://a/?a=&b", "http://a/?a=&b&jwt=J"),
    ("http://a/?a=1&a=2&a=1", "http://a/?a=1&a=2&a=1&jwt=J"),
    ("http://a/?a=x%20y+z%2B", "http://a/?a=x%20y+z%2B&jwt=J"),
    ("http://a/?&", "http://a/?&&jwt=J"),
    ("http://a/?a=1&&b=2&", "http://a/?a=1&&b=2&&jwt=J"),
    ("http://a/?a=?b=#c?d&e#f", "http://a/?a=?b=&jwt=J#c?d&e#f"),
    ("http://a/?jwt=old", "http://a/?jwt=J"),
    ("http://a/?jwt", "http://a/?jwt=J"),
    ("http://a/?jwt=", "http://a/?jwt=J"),
    ("http://a/?jwt=a=b&x", "http://a/?x&jwt=J"),
    ("http://a/?x=1&jwt=old&y=2&jwt=older", "http://a/?x=1&y=2&jwt=J"),
    ("http://a/?%6awt=old", "http://a/?jwt=J"),
    ("http://a/?j%77t=old&%6A%57%74=kept", "http://a/?%6A%57%74=kept&jwt=J"),
    ("http://a/?%6A%77%74", "http://a/?jwt=J"),
    ("http://a/?jwts=1&ajwt=2&x=jwt&jwt.a=3", "http://a/?jwts=1&ajwt=2&x=jwt&jwt.a=3&jwt=J"),
    ("http://a/?JWT=kept", "http://a/?JWT=kept&jwt=J"),
    ("http://a/jwt=x?y#jwt=z&jwt=w", "http://a/jwt=x?y&jwt=J#jwt=z&jwt=w"),
    ("http://a/?%ff=%zz&%", "http://a/?%ff=%zz&%&jwt=J"),
]


@pytest.mark.parametrize(("url", "expected"), ADDED)
def test_the_token_comes_last_and_the_rest_stays(url, expected):
    assert with_parameter(url, "jwt", "J") == expected


def test_a_code_replaces_an_old_code_and_an_old_token():
    url = "https://a.example/cb?state=s&code=old&jwt=stale&%63ode=old"
    assert with_parameter(url, "code", "new") == "https://a.example/cb?state=s&code=new"


def test_a_value_cannot_break_out_of_its_parameter():
    assert (
        with_parameter("http://a", "jwt", "a&b=c#d %é") == "http://a?jwt=a%26b%3Dc%23d%20%25%C3%A9"
    )


def test_the_quoted_address_is_a_fixed_point():
    address = REDIRECTS.check("https://app.example.com/" + quote("a b/ü", safe="") + "?x=%E2%98%83")
    assert REDIRECTS.check(address) == address
