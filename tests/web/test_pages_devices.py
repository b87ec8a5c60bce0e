"""People recognize their browsers by name."""

import pytest

from dhq_auth.web.devices import MAX_LENGTH, device

APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/140.0 Safari/537.36", "Chrome · Linux"),
        (f"Mozilla/5.0 (X11; Linux) {WEBKIT} HeadlessChrome/140.0 Safari/537.36", "Chrome · Linux"),
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge · Windows",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15) {WEBKIT} Chrome/140.0 Mobile Safari/537.36",
            "Chrome · Android",
        ),
        (
            "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
            "Firefox · Android",
        ),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) {APPLE} Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/18.5 Safari/605.1.15",
            "Safari · macOS",
        ),
        ("curl/8.14.1", "curl"),
        ("python-requests/2.32", "python-requests"),
        ("Mozilla/5.0 (compatible; Bot)", "Mozilla/5.0 (compatible; Bot)"),
        ("our  own\tprogram", "our own program"),
        ("", ""),
        (None, ""),
        ("W" * 255, "W" * MAX_LENGTH),
    ],
)
def test_a_browser_is_called_what_people_call_it(user_agent: str | None, name: str) -> None:
    assert device(user_agent) == name
