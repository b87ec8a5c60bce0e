"""What passes as an address to be sent to means the same to whoever reads it, whatever it is."""

import json
import re
import shutil
import subprocess
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import yarl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dhq_auth.redirects import Origin, with_parameter
from tests.redirect_addresses import ALL_HOSTILE, LEGITIMATE, LISTED, REDIRECTS

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
