"""What docs/credentials.md tells of API tokens is so."""

import re
from pathlib import Path

from dhq_auth.api_tokens.format import PATTERN, new_token
from dhq_auth.api_tokens.scopes import PLAIN

TEXT = (Path(__file__).parents[2] / "docs" / "credentials.md").read_text(encoding="utf-8")


def test_the_pattern_for_scanners_finds_real_tokens():
    (shown,) = re.findall(r"```regex\n(.*)\n```", TEXT)
    assert shown == PATTERN
    for token in (new_token() for _ in range(100)):
        assert re.search(shown, f'API_TOKEN="{token}"\n')


def test_every_scope_is_told():
    told = re.findall(r"^\| `([a-z]+)(?::SERVICE)?` \|", TEXT.split("### ")[0], re.MULTILINE)
    assert {*PLAIN, "authorize"} <= set(told)
