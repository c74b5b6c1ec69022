"""A real Chromium for tests: Debian's, without a window; the driver brings none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "no Chromium is here: install the package chromium (Debian: apt-get install chromium), or name one in CHROMIUM"
)
REQUIRED = os.environ.get("MILLRACE_BROWSER") == "required"  # read before tests lose their settings


def chromium() -> str:
    """The path of a Chromium. Where there is none, tests are skipped, or fail if MILLRACE_BROWSER=required."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        (pytest.fail if REQUIRED else pytest.skip)(MISSING)
    return path


@contextmanager
def started_browser() -> Iterator["Browser"]:
    """One browser, for the length of the block."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as driver:
        # Without a sandbox: in a container root has none to give. Nothing but the tests' own page is opened.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
