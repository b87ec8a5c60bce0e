"""Where a browser that carries a token may be sent: hostile addresses, and the ones that survive."""

import json
import re
import shutil
import subprocess
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
import yarl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dhq_auth.redirects import MAX_LENGTH, Origin, RedirectPattern, Redirects, with_parameter

LISTED = (
    "https://app.example.com",
    "https://area.example.com/area",
    "http://localhost:*",
    "http://127.0.0.1:3000",
    "http://[::1]:*",
)
REDIRECTS = Redirects(tuple(map(RedirectPattern.parse, LISTED)))

HOSTILE = {
    "another host": (
        "https://evil.example",
        "https://evil.example/https://app.example.com",
        "https://evil.example?https://app.example.com",
        "https://evil.example#https://app.example.com",
        "https://evil.example?next=https://app.example.com/",
        "https://app.example.com.evil.example",
        "https://app.example.comevil.example",
        "https://evilapp.example.com",
        "https://evil-app.example.com",
        "https://evil.app.example.com",
        "https://example.com",
        "https://app.example.org",
        "https://app.example",
        "https://app-example.com",
        "https://appexample.com",
        "https://app.example.co",
        "https://app.example.com-evil.example",
        "https://app.example.com_evil.example",
        "https://localhost.evil.example",
        "http://localhost.evil.example:3000",
        "http://evil-localhost:3000",
        "http://sub.localhost:3000",
        "http://localhos",
        "http://localhostt",
        "http://localhost.localdomain",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1.nip.io",
        "https://*.example.com",
        "https://*",
        "https://_",
    ),
    "another scheme": (
        "http://app.example.com",
        "https://localhost:3000",
        "https://127.0.0.1:3000",
        "https://[::1]",
        "javascript:alert(1)",
        "javascript://app.example.com/%0aalert(1)",
        "JaVaScRiPt://localhost:3000/%0aalert(1)",
        "data:text/html,x",
        "data://app.example.com/x",
        "vbscript:x",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "ftp://localhost:3000",
        "ws://localhost:3000",
        "wss://app.example.com",
        "blob:https://app.example.com/x",
        "about:blank",
        "mailto:a@app.example.com",
        "intent://app.example.com",
        "myapp://app.example.com",
        "view-source:https://app.example.com",
        "filesystem:https://app.example.com/x",
        "https+x://app.example.com",
        "xhttps://app.example.com",
        "http\u017f://app.example.com",
        "\uff48\uff54\uff54\uff50\uff53://app.example.com",
        "h%74tps://app.example.com",
    ),
    "no scheme, or slashes that browsers add": (
        "",
        "/",
        "//",
        "/profile",
        "//app.example.com",
        "///app.example.com",
        "////app.example.com",
        "//evil.example",
        "app.example.com",
        "localhost",
        "localhost:3000",
        "127.0.0.1:3000",
        "http",
        "http:",
        "http:/",
        "http://",
        "https://",
        "https:///",
        "://app.example.com",
        ":https://app.example.com",
        "http:localhost:3000",
        "http:/localhost:3000",
        "http:///localhost:3000",
        "http:////localhost:3000",
        "https:app.example.com",
        "https:/app.example.com",
        "https:///app.example.com",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https:/https://app.example.com",
        "https:https://app.example.com",
        "https:/evil.example/://app.example.com",
        "https://https://app.example.com",
        "?next=https://app.example.com",
        "#https://app.example.com",
        "../https://app.example.com",
    ),
    "backslashes": (
        "https:\\\\app.example.com",
        "https:/\\app.example.com",
        "https:\\/app.example.com",
        "\\\\evil.example",
        "/\\evil.example",
        "https://evil.example\\@app.example.com",
        "https://evil.example\\.app.example.com",
        "https://app.example.com\\@evil.example",
        "https://app.example.com\\evil",
        "https://app.example.com/a\\..\\b",
        "https://app.example.com/?a=\\",
        "https://app.example.com/#\\",
        "http://localhost\\:3000",
        "http://localhost:3000\\",
    ),
    "a user before the host": (
        "https://app.example.com@evil.example",
        "https://app.example.com:443@evil.example",
        "https://app.example.com%40evil.example",
        "https://user@app.example.com",
        "https://user:password@app.example.com",
        "https://@app.example.com",
        "https://:@app.example.com",
        "https://:443@app.example.com",
        "https://evil.example@app.example.com",
        "https://evil.example:80@app.example.com:443",
        "https://a@b@app.example.com",
        "https://app.example.com@app.example.com",
        "https://app.example.com:@evil.example/",
        "http://localhost:3000@evil.example",
        "http://[::1]@evil.example",
        "http://evil.example@[::1]",
        "https://[app.example.com]@evil.example",
    ),
    "control characters and blanks": (
        " https://app.example.com",
        "https://app.example.com ",
        "\thttps://app.example.com",
        "\nhttps://app.example.com",
        "\x00https://app.example.com",
        "\x1fhttps://app.example.com",
        "https://app.example.com\x00",
        "https://app.example.com\x00.evil.example",
        "https://app.example.com\n",
        "https://app.example.com\r\nSet-Cookie: a=b",
        "https://app.example.com/\r\n\r\n<script>",
        "https://app.example.com/a b",
        "https://app.example.com/a\tb",
        "https://app.exa\tmple.com",
        "https://app.exa\nmple.com",
        "ht\ntps://app.example.com",
        "h\tttps://app.example.com",
        "https:\t//app.example.com",
        "https:/\t/evil.example",
        "/\t/evil.example",
        "java\nscript:alert(1)",
        "https://app.example.com\x0b.evil.example",
        "https://app.example.com\x7f",
        "https://app.example.com/\x80",
        "https://app.example.com/\x85x",
        "https://app.example.com\xa0",
        "https://app.example.com/?a=\x01",
        "https://app.example.com/#\x1b[31m",
        "https://app.example.com/\u2028",
        "https://app.example.com/\u2029",
        "\ufeffhttps://app.example.com",
        "https://\ufeffapp.example.com",
    ),
    "characters that look or fold like others": (
        "https://app。example。com",
        "https://app.example\uff0ecom",
        "https://app.example\uff61com",
        "https://app.example.com\u3002",
        "https://\uff41pp.example.com",
        "http://\uff4cocalhost:3000",
        "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3:3000",
        "http://loca\u212ahost:3000",
        "http://local\u017fost",
        "https://\u0430pp.example.com",
        "https://xn--pp-6kc.example.com",
        "https://app.examp\u00adle.com",
        "https://app.exam\u200bple.com",
        "https://app.example.com\u200d",
        "https://\u202eapp.example.com",
        "https://app.example.com\u2044evil.example",
        "https://app.example.com\uff0fevil.example",
        "https://app.example.com\uff03.evil.example",
        "https://app.example.com\uff1a443",
        "https://evil.example\uff20app.example.com",
        "https://evil.example\u2100.app.example.com",
        "http://localhost:\u0663000",
        "http://localhost:\uff13\uff10\uff10\uff10",
        "http://\u0661\u0662\u0667.0.0.1:3000",
        "http://①②⑦.⓪.⓪.①:3000",
        "https://münchen.example",
    ),
    "percent signs in the host": (
        "https://app%2eexample%2ecom",
        "https://%61pp.example.com",
        "https://app.example.com%00.evil.example",
        "https://app.example.com%2f.evil.example",
        "https://app.example.com%2Fevil.example",
        "https://app.example.com%23.evil.example",
        "https://app.example.com%3f.evil.example",
        "https://app.example.com%5cevil.example",
        "https://app.example.com%0d%0a",
        "https://app.example.com%20",
        "https://app.example.com%ff",
        "https://app.example.com%",
        "http://localhost%3a3000",
        "http://%6c%6f%63alhost:3000",
    ),
    "ports": (
        "https://app.example.com:444",
        "https://app.example.com:80",
        "https://app.example.com:8443",
        "http://127.0.0.1",
        "http://127.0.0.1:3001",
        "http://127.0.0.1:30000",
        "http://localhost:",
        "https://app.example.com:",
        "https://app.example.com:/",
        "http://localhost:0",
        "http://localhost:00",
        "http://localhost:03000",
        "http://localhost:003000",
        "https://app.example.com:0443",
        "http://localhost:65536",
        "http://localhost:65616",
        "http://localhost:99999",
        "http://localhost:4294970296",
        "http://localhost:-1",
        "http://localhost:+3000",
        "http://localhost:3_000",
        "http://localhost:3000.0",
        "http://localhost:0xbb8",
        "http://localhost:3e3",
        "http://localhost:*",
        "http://localhost:http",
        "http://localhost:3000:3000",
        "http://localhost::3000",
        "http://localhost:3000:",
        "http://localhost:3000;evil.example",
        "http://localhost:3000,evil.example",
        "http://localhost:3000&evil.example",
        "http://localhost:80.evil.example",
    ),
    "dots": (
        "https://app.example.com.",
        "https://app.example.com./",
        "https://app.example.com..",
        "https://.app.example.com",
        "https://app..example.com",
        "http://localhost.",
        "http://localhost.:3000",
        "http://localhost..:3000",
        "http://.localhost:3000",
        "https://.",
        "https://..",
        "https://../app.example.com",
    ),
    "other spellings of an IP address": (
        "http://127.1:3000",
        "http://127.0.1:3000",
        "http://127.0.0.1.:3000",
        "http://127.000.000.001:3000",
        "http://127.0.0.01:3000",
        "http://0177.0.0.1:3000",
        "http://0x7f.0.0.1:3000",
        "http://0x7f.1:3000",
        "http://0x7f000001:3000",
        "http://0X7F000001:3000",
        "http://2130706433:3000",
        "http://017700000001:3000",
        "http://127.0.0.1.1:3000",
        "http://127.0.0.256:3000",
        "http://127.0.0.2:3000",
        "http://0:3000",
        "http://0.0.0.0:3000",
        "http://0x:3000",
        "http://[127.0.0.1]:3000",
        "http://[::ffff:127.0.0.1]:3000",
        "http://[::ffff:7f00:1]:3000",
        "http://[::127.0.0.1]:3000",
        "http://[::2]",
        "http://[::]",
        "http://[::1",
        "http://::1",
        "http://::1]",
        "http://[[::1]]",
        "http://[::1]]",
        "http://[::1]x",
        "http://[::1].evil.example",
        "http://[::1]:",
        "http://[::1]:0",
        "http://[::1%25lo]",
        "http://[::1%lo]",
        "http://[fe80::1%25eth0]",
        "http://[0:0:0:0:0:0:0:1:0]",
        "http://[0::0::1]",
        "http://[:1]",
        "http://[1]",
        "http://[]",
        "http://[localhost]",
        "http://[v1.::1]",
    ),
    "beside the path prefix": (
        "https://area.example.com",
        "https://area.example.com/",
        "https://area.example.com?/area",
        "https://area.example.com#/area",
        "https://area.example.com/?/area/",
        "https://area.example.com/evil",
        "https://area.example.com/Area",
        "https://area.example.com/areas",
        "https://area.example.com/area-51",
        "https://area.example.com/area.evil",
        "https://area.example.com/area;x",
        "https://area.example.com/area%20",
        "https://area.example.com/area%2f",
        "https://area.example.com/area%2fx",
        "https://area.example.com/%61rea",
        "https://area.example.com//area",
        "https://area.example.com///area/",
        "https://area.example.com/evil/area",
        "https://area.example.com/area/..",
        "https://area.example.com/area/../",
        "https://area.example.com/area/../evil",
        "https://area.example.com/area/./../evil",
        "https://area.example.com/area/x/../../evil",
        "https://area.example.com/area//../../evil",
        "https://area.example.com/area/%2e%2e/evil",
        "https://area.example.com/area/%2E%2e/evil",
        "https://area.example.com/area/.%2e/evil",
        "https://area.example.com/area/%2e./evil",
        "https://area.example.com/area/%2e/%2e%2e/evil",
        "https://area.example.com/area/..%2fevil",
        "https://area.example.com/area/..%2Fevil",
        "https://area.example.com/area/%2e%2e%2fevil",
        "https://area.example.com/area/..%5cevil",
        "https://area.example.com/area/..%252fevil",
        "https://area.example.com/area/%252e%252e/evil",
        "https://area.example.com/area/..;/evil",
        "https://area.example.com/area/%2e%2e;x=1/evil",
        "https://area.example.com/x//../area/evil",
        "https://area.example.com/x/y/../area",
        "https://area.example.com/x/.../../area",
    ),
    "not text for a header, or too much of it": (
        "https://app.example.com/\ud800",
        "https://app.example.com/?a=\udfff",
        "https://\ud83d.example.com",
        "https://app.example.com/" + "a" * 10_000,
        "https://app.example.com/?" + "a=&" * 5_000,
        "https://app.example.com/" + "é" * 1_000,
        "https://" + "a" * 10_000,
        "https://" + "a." * 5_000 + "example.com",
        "http://localhost:" + "3" * 10_000,
        "http://[" + ":" * 10_000 + "]",
        "https:" + "/" * 10_000 + "app.example.com",
        "https://app.example.com" + "/.." * 5_000,
    ),
}
ALL_HOSTILE = [url for urls in HOSTILE.values() for url in urls]

LEGITIMATE = (
    "http://localhost:3000",
    "http://localhost",
    "http://localhost:65535",
    "http://127.0.0.1:3000/callback",
    "http://[::1]:8080/x",
    "http://[0:0:0:0:0:0:0:1]:3000",
    "HTTP://LOCALHOST:3000/",
    "https://app.example.com",
    "https://app.example.com:443",
    "https://App.Example.Com/Path",
    "https://app.example.com/",
    "https://app.example.com?",
    "https://app.example.com/?",
    "https://app.example.com/#",
    "https://app.example.com?a=b",
    "https://app.example.com#top",
    "https://app.example.com/?a=&b",
    "https://app.example.com/?a=1&a=2&a=1",
    "https://app.example.com/?&&a=1&",
    "https://app.example.com/?a=x%20y+z&b=%2B",
    "https://app.example.com/?next=https://evil.example/@x",
    "https://app.example.com/?a=?&b=/..//",
    "https://app.example.com/?@evil.example",
    "https://app.example.com/@evil.example",
    "https://app.example.com#@evil.example",
    "https://app.example.com//evil.example",
    "https://app.example.com/a%2Fb/%2e%2e/c",
    "https://app.example.com/../../x/./",
    "https://app.example.com/a;b=c,d:e!f$g'h(i)*j~k",
    "https://app.example.com/%zz%",
    'https://app.example.com/?q="<>`{|}^',
    "https://app.example.com/#/route?x=1#y",
    "https://app.example.com/%F0%9F%98%80",
    "https://app.example.com/?" + "a" * (MAX_LENGTH - 25),
    "https://area.example.com/area",
    "https://area.example.com/area/",
    "https://area.example.com/area?x=%2f",
    "https://area.example.com/area#x",
    "https://area.example.com/area/x/../y",
    "https://area.example.com/area/../area/x",
    "https://area.example.com/x/../area",
    "https://area.example.com/./area/%2e/x",
    "https://area.example.com/area//x",
    "https://area.example.com/area/a%20b;c=d",
)


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


PIECES = (
    [*"/\\?#@:.&=%;[]~-_+ \t\n\x00a", "\xe9", "\u3002", "\uff0e", "\u212a", "\ud800"],
    ["//", "..", "%2e", "%2f", "%252e", "%40", ":3000", ":443", ":0", "jwt=", "https:", "http://"],
    ["localhost", "app.example.com", "area.example.com", "/area", "evil.example", "[::1]"],
    ["127.0.0.1", "127.1", "0x7f.1"],
)
URL_PIECES = st.sampled_from([piece for pieces in PIECES for piece in pieces])
STARTS = st.sampled_from(
    ["", "http://", "https://", "http://localhost", *LISTED[:2], LISTED[3], "http://[::1]"]
)
URLS = st.builds(
    lambda start, rest: start + "".join(rest), STARTS, st.lists(URL_PIECES, max_size=8)
)
unhurried = settings(deadline=None)
SEGMENTS = st.lists(st.sampled_from(["a", "area", "", ".", "..", "%2e", "%2E.", "x"]), max_size=8)
QUERY_TEXT = st.text(st.characters(codec="ascii", exclude_characters="#", min_codepoint=0x21))


@unhurried
@given(URLS)
@example("https://area.example.com/x//../area")
@example("https://area.example.com/area/..%2f")
def test_what_passes_leads_to_a_listed_origin_whoever_reads_it(url):
    try:
        address = REDIRECTS.check(url)
    except ValueError:
        return
    split = urlsplit(address)
    standard = (
        split.scheme,
        split.hostname,
        split.port or {"http": 80, "https": 443}[split.scheme],
    )
    other = yarl.URL(address, encoded=True)
    assert (other.scheme, other.host, other.port) == standard
    allowed = {
        ("https", "app.example.com", 443),
        ("https", "area.example.com", 443),
        ("http", "localhost", standard[2]),
        ("http", "127.0.0.1", 3000),
        ("http", "::1", standard[2]),
    }
    assert standard in allowed
    if split.hostname == "area.example.com":
        assert f"{yarl.URL(address).path}/".startswith("/area/")
    assert split.username is None
    assert address.isascii()
    assert address.isprintable()


@unhurried
@given(URLS)
def test_an_address_outside_ascii_is_the_only_one_that_changes(url):
    try:
        address = REDIRECTS.check(url)
    except ValueError:
        return
    assert address == url or not url.isascii()
    assert unquote(address) == unquote(url)


@unhurried
@given(QUERY_TEXT, st.text(st.characters(codec="ascii", min_codepoint=0x21)), st.text())
def test_a_parameter_is_added_and_nothing_else_changes(query, fragment, value):
    before = f"https://app.example.com/x?{query}#{fragment}"
    after = with_parameter(before, "jwt", value.encode("utf-8", "replace").decode())
    base, hash_sign, kept_fragment = after.partition("#")
    path, _, kept_query = base.partition("?")
    *kept, added = kept_query.split("&")
    assert (path, hash_sign, kept_fragment) == ("https://app.example.com/x", "#", fragment)
    assert added.startswith("jwt=")
    others = [part for part in query.split("&") if unquote(part.partition("=")[0]) != "jwt"]
    assert kept == (others if query else [])
    names = [name for name, _ in parse_qsl(kept_query, keep_blank_values=True)]
    assert names.count("jwt") == 1


@unhurried
@given(SEGMENTS)
def test_dot_segments_go_as_rfc_3986_says(segments):
    path = "/".join(["", *segments])
    plain = re.sub("%2e", ".", path, flags=re.IGNORECASE)
    # The loop of RFC 3986 5.2.4.
    left, out = plain, []
    while left:
        if left.startswith("/./") or left == "/.":
            left = "/" + left[3:]
        elif left.startswith("/../") or left == "/..":
            left, out = "/" + left[4:], out[:-1]
        else:
            segment = re.match("/[^/]*", left)
            out.append(segment[0])
            left = left[segment.end() :]
    inside = "".join(out) == "/area" or "".join(out).startswith("/area/")
    try:
        REDIRECTS.check(f"https://area.example.com{path}")
    except ValueError:
        assert not inside
    else:
        assert inside


def _read_by_node(urls):
    """Return (origin, path) of each, as the WHATWG parser of node reads them; None: refused."""
    program = (
        "const urls = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "const read = url => { try { const u = new URL(url); return [u.origin, u.pathname]; }"
        " catch { return null; } };"
        "process.stdout.write(JSON.stringify(urls.map(read)));"
    )
    node = shutil.which("node") or pytest.fail("node is missing: run tools/install_test_needs.sh")
    run = subprocess.run(  # noqa: S603
        [node, "-e", program], input=json.dumps(urls), capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


@pytest.mark.node
def test_a_browser_reads_what_passes_as_we_do():
    hosts = ["localhost", "app.example.com", "LOCALHOST.", "[::1]", "127.0.0.1", "127.1", "0x7f.1"]
    hosts += ["[1:2:3:4:5:6:7::]", "[2001:DB8:0:0:1::]", "a_b.c", "a.b-", "1.2.3.4", "08.example"]
    tails = ["", ":1", ":80", ":443", ":8080", ":0", "?@x", "#@x", "/@x", "/a/../b", "/%2e%2E/x"]
    made = [f"{scheme}://{h}{t}" for scheme in ("http", "HTTPS") for h in hosts for t in tails]
    urls = [*ALL_HOSTILE, *LEGITIMATE, *made]
    passed = 0
    for url, read in zip(urls, _read_by_node(urls), strict=True):
        try:
            origin = Origin.of(url)
        except ValueError:
            continue
        passed += 1
        assert read is not None, url
        assert read[0] == str(origin), url
    assert passed > len(LEGITIMATE)
    sent = [REDIRECTS.check(url) for url in LEGITIMATE]
    for address, (origin, path) in zip(sent, _read_by_node(sent), strict=True):
        assert origin == str(Origin.of(address))
        assert "area." not in origin or f"{path}/".startswith("/area/")


def test_the_quoted_address_is_a_fixed_point():
    address = REDIRECTS.check("https://app.example.com/" + quote("a b/ü", safe="") + "?x=%E2%98%83")
    assert REDIRECTS.check(address) == address
