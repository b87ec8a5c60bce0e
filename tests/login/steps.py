"""The steps of a login that the tests of this folder take one by one."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import ClientResponse

from tests.fakes.server import ABSENT, Changes
from tests.fixtures.service import NEXT, Browser, Service

PAGE = {"Accept": "text/html"}


def query_of(url: str) -> dict[str, str]:
    """Return the query of *url*, whose parameters stand there once each."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values()), url
    return {name: values[0] for name, values in found.items()}


async def begin(
    service: Service, provider: str = "acme", *, browser: Browser | None = None, **query: str
) -> str:
    """Begin a login and return where the provider's own page is."""
    browser = browser or service.browser
    answer = await browser.get(f"/auth/login/{provider}", params={"next": NEXT, **query})
    assert answer.status == 302, await answer.text()
    return answer.headers["Location"]


async def sent_back(
    service: Service, provider: str = "acme", *, browser: Browser | None = None, **query: str
) -> str:
    """Log in at the provider and return the callback to which it sends the browser."""
    browser = browser or service.browser
    there = await browser.go(await begin(service, provider, browser=browser, **query))
    assert there.status in {302, 303}, await there.text()
    return there.headers["Location"]


def altered(url: str, **changes: object) -> str:
    """Return *url* with other query parameters; those that are ABSENT are gone."""
    merged: Changes = {**query_of(url), **changes}
    kept = {name: str(value) for name, value in merged.items() if value is not ABSENT}
    return urlsplit(url)._replace(query=urlencode(kept)).geturl()


async def code_of(answer: ClientResponse) -> str:
    """Return the stable word of a refusal."""
    assert answer.content_type == "application/problem+json", await answer.text()
    problem = await answer.json()
    assert problem["status"] == answer.status
    return str(problem["code"])


class Links(HTMLParser):
    """The addresses that a page leads to, but for our start page and places in the page itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            found = [value for name, value in attrs if name == "href" and value]
            self.found += [value for value in found if value != "/" and value[0] != "#"]


def carries_a_token(answer: ClientResponse) -> bool:
    """Whether *answer* leads on with a token or a code, or signs the browser in."""
    parameters = query_of(answer.headers.get("Location", "/?none="))
    return bool({"jwt", "code"} & parameters.keys()) or "session" in answer.cookies
