"""Makes the README's pictures of the page: ``python -m tests.browser.screenshots FOLDER``, from a shop of its own."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.machine.compiled import keep_compiled
from tests.kit.browser import started_browser
from tests.kit.scratch import scratch
from tests.kit.servers import kafka
from tests.kit.shown_shop import Shown, shown_shop

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZE = {"width": 1180, "height": 760}
USER = "user-3"
VISITS = 60


def main(folder: Path) -> None:
    """Write overview.png, user.png and item.png there."""
    keep_compiled()
    folder.mkdir(parents=True, exist_ok=True)
    with (
        kafka() as bootstrap,
        scratch("pictures") as home,
        shown_shop(bootstrap, home, hostile=False) as shown,
        started_browser() as browser,
    ):
        page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()
        for name, picture in (("overview", overview), ("user", user), ("item", item)):
            picture(page, shown)
            page.wait_for_function("() => !document.querySelector('.waiting')")
            page.mouse.move(0, 0)
            page.screenshot(path=folder / f"{name}.png")
            print(folder / f"{name}.png")


def overview(page: "Page", shown: Shown) -> None:
    """Of a shop in which something happens: the first micro-batch, which warms up, is one of many."""
    page.goto(f"{shown.url}/#/overview")
    for number in range(VISITS):
        event = {"user_id": f"user-{number % 40}", "item_id": shown.world.item_ids[number % 30], "kind": "view"}
        shown.api.post("/interactions", json=event)
        shown.shop.until_applied()
    page.wait_for_function("() => /[1-9]/.test(document.querySelector('[data-figure=rate]')?.textContent ?? '')")
    page.locator(".chart .plot").first.wait_for()
    page.locator(".spark").first.wait_for()


def user(page: "Page", shown: Shown) -> None:
    page.goto(f"{shown.url}/#/user/{USER}")
    page.locator("[data-act]").first.click()
    page.locator(".sides li.gone").first.wait_for()


def item(page: "Page", shown: Shown) -> None:
    page.goto(f"{shown.url}/#/item/{shown.world.item_ids[0]}")
    page.locator("tr[data-item] .plus").first.wait_for()
    page.locator(".chart .plot").first.wait_for()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
