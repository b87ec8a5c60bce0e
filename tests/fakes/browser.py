"""Headless Chromium, driven over its own protocol."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.fakes.upstream import NODE

Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
WIDTHS: Final = (360, 1280)
AXE: Final = NODE / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = Path("/usr/bin/chromium")
PATIENCE: Final = 60_000
"""Milliseconds after which a page that does not come is broken, however busy the machine."""
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the machine's Chromium; each context made of it knows nothing of the others."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


async def faults(page: Page) -> list[str]:
    """Return what makes *page* hard to use: axe-core's verdict, and ours on sizes.

    Its own policy would not let a script in, so that axe is evaluated from outside.
    """
    await page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = await page.evaluate(JUDGED)
    return [
        f"{fault['id']}: {fault['help']}: {node['html']}"
        for fault in found
        for node in fault["nodes"]
    ] + await measured(page)


async def measured(page: Page) -> list[str]:
    """Return what of *page* is too small to hit, or beyond the window."""
    found: list[str] = await page.evaluate(MEASURED)
    return found


JUDGED: Final = "async () => (await axe.run()).violations"
MEASURED: Final = """() => {
  const faults = [];
  const say = (fault, element) => faults.push(fault + (element ? ': ' + element.outerHTML : ''));
  if (document.compatMode !== 'CSS1Compat') say('quirks mode');
  if (document.querySelectorAll('h1').length !== 1) say('not one h1');
  for (const one of document.querySelectorAll('[style], style, script, [onclick], base, iframe'))
    say('inline', one);
  if (document.documentElement.scrollWidth > window.innerWidth) say('wider than the window');
  for (const one of document.querySelectorAll('.button, button, input, select, summary, nav a')) {
    const box = one.getBoundingClientRect();
    if (one.checkVisibility() && (box.height < 44 || box.width < 44))
      say('too small to hit', one);
    if (box.right > window.innerWidth) say('beyond the window', one);
  }
  return faults;
}"""
