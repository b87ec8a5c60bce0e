"""The configurations that are not run here say so, and at least can be read."""

from typing import Any

import pytest
import yaml

from tests.proxies.site import EXAMPLES

UNTRIED = ("traefik/dynamic.yaml", "envoy/envoy.yaml")
CLAIMS = ("user", "username", "email")


def values(node: Any) -> list[str]:
    """Return all texts in *node*, the names of members included."""
    if isinstance(node, dict):
        return [text for pair in node.items() for each in pair for text in values(each)]
    if isinstance(node, list):
        return [text for each in node for text in values(each)]
    return [str(node)]


@pytest.mark.parametrize("file", UNTRIED)
def test_what_was_not_run_says_so_and_is_yaml(file: str) -> None:
    text = (EXAMPLES / file).read_text()
    assert text.startswith("# NOT RUN HERE")
    found = [each.lower() for each in values(yaml.safe_load(text))]
    for name in CLAIMS:
        # Once where the claim of the client is removed, once where ours is let through.
        assert found.count(f"x-auth-{name}") >= 2, name


def test_every_example_asks_and_hands_over_to_the_addresses_of_the_service() -> None:
    folders = {path.parent.name: "" for path in EXAMPLES.glob("*/*")}
    for path in sorted(EXAMPLES.glob("*/*")):
        folders[path.parent.name] += path.read_text()
    assert folders.keys() == {"nginx", "caddy", "traefik", "envoy"}
    for text in folders.values():
        for needed in ("/auth/verify", "/.dhq-auth/", "EXTERNAL_ADDRESS=", "TRUSTED_PROXIES="):
            assert needed in text
