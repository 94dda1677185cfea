"""A real Chromium for the tests of this folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser. YUQIAO_CHROMIUM names it, otherwise it is looked for."""
    named = os.environ.get("YUQIAO_CHROMIUM")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None or not os.access(found, os.X_OK):
        pytest.fail(
            "no Chromium found: install the package chromium, or set YUQIAO_CHROMIUM to the path "
            "of a Chromium or Chrome",
            pytrace=False,
        )
    return found


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
