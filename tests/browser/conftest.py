"""One shop for all tests of the page, a browser for each file, and a new tab for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.browser import chromium, started_browser
from tests.kit.scratch import scratch
from tests.kit.shown_shop import Shown, shown_shop

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = (Path(__file__).parent / "axe/axe.min.js").read_text(encoding="utf-8")
WIDE, NARROW = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def shown(request: pytest.FixtureRequest) -> Iterator[Shown]:
    """The shop that the page shows."""
    chromium()  # before anything is started for it
    with scratch("shown") as home, shown_shop(request.getfixturevalue("kafka_bootstrap"), home) as shop:
        yield shop


@pytest.fixture(scope="module")
def browser(shown: Shown) -> "Iterator[Browser]":
    """Ends with the file: its driver holds the event loop of this thread as long as it lives."""
    with started_browser() as started:
        yield started


@pytest.fixture
def opened(browser: "Browser", shown: Shown) -> "Iterator[Callable[..., Page]]":
    """Opens a view in a tab of its own; at the end no tab may have reported an error."""
    errors: list[str] = []
    contexts = []

    def note(message: Any) -> None:
        if message.type in ("error", "warning"):
            errors.append(message.text)

    def open_view(view: str, url: str = shown.url, **options: Any) -> "Page":
        context = browser.new_context(**{"viewport": WIDE, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}/#/{view}")
        return page

    open_view.errors = errors  # type: ignore[attr-defined]
    yield open_view
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which is put into a page by the driver: the page's own policy would not load it."""
    return AXE
