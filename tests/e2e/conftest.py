"""A whole town for end-to-end tests: the demo as a user starts it, and a browser to look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import PATIENCE_S, require_program
from tests.support.whole_town import Town, start_town

CHROMIUM_FLAGS = [
    "--no-sandbox",
    # There is no graphics card on a test machine: the map's WebGL runs in software.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    # No network beyond loopback: keep the browser from trying.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

PATIENCE_MS = 1000 * PATIENCE_S
"""How long a page may take to show something: software WebGL on two busy cores is slow."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless; it goes with the module, and its event loop with it."""
    program = require_program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A running demo; the module's `TOWN` gives its options."""
    require_program("mosquitto")
    folder: Path = tmp_path_factory.mktemp("town")
    with start_town(folder, *request.module.TOWN) as town:
        yield town


@pytest.fixture(scope="module")
def page(browser: Browser, town: Town) -> Iterator[Page]:
    """The map in a laptop's window, logged in by the printed link; fails when the page reports an error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(town.url)
    yield page
    context.close()
    assert errors == []
