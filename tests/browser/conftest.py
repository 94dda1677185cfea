"""A real Chromium for the tests of this folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync", "--mute-audio"),
    *("--disable-extensions", "--disable-component-update", "--hide-scrollbars"),
)
LISTENS = re.compile(rb"DevTools listening on (ws://\S+)")


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


@pytest.fixture(scope="session")
def devtools(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a running Chromium listens: its start costs more than most tests, so one does for all.
    Each test has contexts of its own in it, and no cookie of another's."""
    profile = tmp_path_factory.mktemp("chromium")
    command = [chromium, *ARGUMENTS, "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        said = b""
        while (found := LISTENS.search(said)) is None:
            line = running.stderr.readline()
            assert line, f"Chromium did not start: {said.decode(errors='replace')}"
            said += line
        reading = threading.Thread(target=running.stderr.read)  # a full pipe would stop it
        reading.start()
        try:
            yield found[1].decode()
        finally:
            running.terminate()
            reading.join()


@pytest.fixture
async def browser(devtools: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(devtools)
        try:
            yield browser
        finally:
            await browser.close()
