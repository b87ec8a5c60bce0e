"""Take pictures of all pages, at both widths, in both schemes and all languages.

python -m tools.screenshots [FOLDER]
"""

import asyncio
import sys
from itertools import product
from pathlib import Path

from aiohttp import web

from dhq_auth.web.translations import LANGUAGES
from tests.fakes.browser import SCHEMES, WIDTHS, chromium
from tests.fakes.sample_pages import SAMPLES, application


async def main(folder: Path) -> None:
    """Write the pictures into *folder*."""
    runner = web.AppRunner(application("auth.example.com"))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/samples"
    async with chromium() as browser:
        for language, scheme, width in product(LANGUAGES, SCHEMES, WIDTHS):
            context = await browser.new_context(
                locale=language, color_scheme=scheme, viewport={"width": width, "height": 720}
            )
            page = await context.new_page()
            for name in SAMPLES:
                await page.goto(f"{url}/{name}")
                picture = folder / f"{name}-{language}-{scheme}-{width}.png"
                await page.screenshot(path=picture, full_page=True)
            await context.close()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")))
