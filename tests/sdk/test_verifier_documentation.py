"""What docs/sdk.md shows can be run, block by block, as each stands there."""

import re
from pathlib import Path
from typing import Any

import pytest

from dhq_auth.sdk import ANONYMOUS, Verifier
from tests.sdk.auth_server import AuthServer

TEXT = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def defined(word: str, **names: object) -> dict[str, Any]:
    """Return what the block that has *word* in it defines, with *names* put over it."""
    [block] = [block for block in BLOCKS if word in block]
    namespace: dict[str, Any] = {}
    exec(block, namespace)  # noqa: S102 - our own
    namespace.update(names)
    return namespace


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_each_block_runs_by_itself(number: int) -> None:
    exec(BLOCKS[number], {})  # noqa: S102 - our own


async def test_they_do_what_they_say(auth: AuthServer, verifier: Verifier) -> None:
    token = auth.token()
    caller = await verifier.verify_async(token)
    assert defined("def user_of", verifier=verifier)["user_of"](token) == "ada"
    assert defined("def user_of", verifier=verifier)["user_of"]("bad") is None
    assert await defined("def may_publish", verifier=verifier)["may_publish"](ANONYMOUS)
    with pytest.raises(Exception, match="not allowed"):
        await defined("def may_publish", verifier=verifier)["may_publish"](caller)
