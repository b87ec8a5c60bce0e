"""Who is refused gets the form once more, whatever was typed into it."""

from html import unescape

import pytest

from tests.fixtures.service import Service
from tests.self_service.people import GOOD, HTML

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register"])
@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("\ud800ada", "?ada"),  # half a character: JSON can hold it, a page cannot
        ("a\u202eda", "a\u202eda"),
        ('"><script>owned()</script>', '"><script>owned()</script>'),
        ("x" * 5000, "x" * 320),
    ],
    ids=["surrogate", "bidi", "script", "huge"],
)
async def test_what_was_typed_stands_in_the_form_again_and_no_password(
    service: Service, path: str, typed: str, shown: str
) -> None:
    sent = {"username": typed, "password": GOOD}
    answer = await service.browser.post(path, json=sent, headers=HTML)
    assert answer.status in {400, 401}
    page = await answer.text()
    assert f'value="{shown}"' in unescape(page)
    assert "<script" not in page
    assert GOOD not in page
