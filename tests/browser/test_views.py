"""The page in a real Chromium: each view shows the API's numbers, an event posted in the page changes it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from adapters.records.keys import create_key
from adapters.settings import Settings
from millrace.pictures.indexing import index_pictures
from tests.kit.pictures import DISCS, STRIPES, drawing
from tests.kit.serving import fill, serving
from tests.kit.shown_shop import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.kafka]

Open = Callable[..., "Page"]
PICTURES = os.environ.get("MILLRACE_PICTURES")  # read before tests lose their settings
VIEWS = (
    "overview", "trending", "user/user-0", "item/{item}", "pictures", "lists/user-0", "insights", "generations",
    "health", "verify",
)  # fmt: skip


def get(shown: Shown, path: str, **params: Any) -> Any:
    answer = shown.api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def picture(page: "Page", name: str) -> None:
    """Keep a picture to look at, where a folder for them is named."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name.replace('/', '-')}.png", full_page=True)


def number(value: float) -> str:
    return f"{value:,.0f}"


def until_text(page: "Page", selector: str, text: str) -> None:
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)", arg=[selector, text]
    )


def items_of(page: "Page", panel: str) -> list[str]:
    rows = page.locator("section.panel", has=page.get_by_role("heading", name=panel)).locator("tr[data-item]")
    rows.first.wait_for()
    return [row.get_attribute("data-item") or "" for row in rows.all()]


def test_the_overview_shows_the_state_and_what_trends(opened: Open, shown: Shown) -> None:
    page = opened("overview")
    until_text(page, "[data-figure=events]", number(get(shown, "/status")["events"]))
    status = get(shown, "/status")
    assert page.locator("[data-figure=rejected]").inner_text() == number(status["rejected"])
    until_text(page, "[data-figure=lag]", "0")
    until_text(page, ".facts", status["generation"])
    assert items_of(page, "Trending now") == [row["item_id"] for row in get(shown, "/trending")["items"]]
    until_text(page, ".pulse", "Live")


def test_trending_lists_what_the_api_lists_by_window_and_category(opened: Open, shown: Shown) -> None:
    category = get(shown, "/analytics/dashboard")["categories"][0]["category"]
    page = opened(f"trending?window=7d&category={quote(category, safe='')}")
    rows = get(shown, "/trending", window="7d", category=category, n=50)["items"]
    assert items_of(page, f"Trending in {category}") == [row["item_id"] for row in rows]
    page.get_by_role("button", name="Hour", exact=True).click()
    page.wait_for_function("() => location.hash.includes('window=1h')")
    page.goto(page.url.split("#")[0] + "#/trending?category=no-such-thing")
    page.get_by_text("Nothing to list").wait_for()


def test_a_click_posted_in_the_page_changes_it_and_shows_before_and_after(opened: Open, shown: Shown) -> None:
    user = "user-3"
    page = opened(f"user/{user}")
    before = items_of(page, f"Recommended to {user}")
    assert before == [row["item_id"] for row in get(shown, f"/recommendations/{user}", n=12)["items"]]
    page.locator(f"[data-act='{before[0]}']").click()
    page.get_by_role("heading", name=f"After a click of {before[0]}").wait_for()
    assert float(page.locator("[data-figure=answered]").inner_text().split()[0].replace(",", "")) > 0
    page.locator(".sides li.gone").first.wait_for()
    page.wait_for_function("(id) => !document.querySelector(`table.recommended tr[data-item='${id}']`)", arg=before[0])
    history = items_of(page, "History")
    assert history[0] == before[0]
    assert history == [row["item_id"] for row in get(shown, f"/users/{user}/history", n=20)["items"]]


def test_an_event_of_somebody_else_reaches_an_open_page(opened: Open, shown: Shown) -> None:
    page = opened("overview")
    until_text(page, ".pulse", "Live")
    event = {"user_id": "user-5", "item_id": shown.world.item_ids[3], "kind": "view"}
    assert shown.api.post("/interactions", json=event).status_code == 202
    shown.shop.until_applied()
    until_text(page, "[data-figure=events]", number(get(shown, "/status")["events"]))


def test_an_items_neighbours_show_both_parts_of_every_sum(opened: Open, shown: Shown) -> None:
    item = shown.world.item_ids[0]
    page = opened(f"item/{item}")
    merge = get(shown, f"/items/{item}/merge", n=20)
    assert any(row["batch"] and row["speed"] for row in merge["items"])
    assert items_of(page, "Goes with") == [row["item_id"] for row in merge["items"]]
    for row in merge["items"][:5]:
        cells = page.locator(f"tr[data-item='{row['item_id']}'] td.number").all_inner_texts()
        batch, speed, merged = (float(cell.replace(",", "").replace("+", "").replace("−", "-")) for cell in cells[:3])
        assert (batch, speed, merged) == (row["batch"], row["speed"], row["co_rating"])
    page.get_by_role("button", name="Show data").click()
    table = page.locator(".chart table")
    table.wait_for()
    hours = get(shown, "/items", item=[item], hours=168)
    assert table.locator("tbody tr").count() == len(hours["hours"])


def test_a_chart_is_read_by_keys(opened: Open) -> None:
    page = opened("overview")
    plot = page.locator(".chart .plot").first
    plot.wait_for()
    assert "24 points" in (plot.get_attribute("aria-label") or "")
    plot.focus()
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('.chart .at').textContent.includes('events')")


def test_generations_and_health_are_those_of_the_api(opened: Open, shown: Shown) -> None:
    page = opened("generations")
    generations = get(shown, "/generations")
    until_text(page, "tbody", generations["active"])
    assert page.get_by_text("serves", exact=True).count() == 1
    page.goto(page.url.split("#")[0] + "#/health")
    page.locator("tr[data-part]").first.wait_for()
    parts = {row["part"] for row in get(shown, "/parts")["parts"]}
    assert {row.get_attribute("data-part") for row in page.locator("tr[data-part]").all()} == parts


def test_a_list_made_in_the_page_recommends_by_words_and_by_behaviour(opened: Open, shown: Shown) -> None:
    user, name, (first, second) = "no-events", "gifts & <b>", shown.world.item_ids[:2]
    page = opened(f"lists/{user}")
    page.get_by_text("None yet").wait_for()
    page.get_by_label("New list").fill(name)
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("Nothing in it yet").wait_for()
    for item, weight in ((first, "1"), (second, "2.5"), ("no-such-item", "1")):
        page.get_by_label("Item", exact=True).fill(item)
        page.get_by_label("Weight").fill(weight)
        page.get_by_role("button", name="Add it").click()
        page.locator(f"main tr[data-item='{item}']").first.wait_for()
    path = f"/users/{user}/lists/{quote(name, safe='')}"
    assert items_of(page, name) == [first, second, "no-such-item"]
    page.get_by_text("Nothing names no-such-item").wait_for()
    page.get_by_role("button", name="Remove no-such-item").click()
    page.locator("tr[data-item='no-such-item']").wait_for(state="detached")
    entries = [{"item_id": first, "weight": 1.0}, {"item_id": second, "weight": 2.5}]
    assert get(shown, path)["items"] == entries
    suits = get(shown, f"{path}/recommendations", n=10)
    assert items_of(page, "By words") == [row["item_id"] for row in suits["by_words"]]
    assert items_of(page, "By behaviour") == [row["item_id"] for row in suits["by_behaviour"]]
    page.get_by_role("button", name="Delete the list").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("None yet").wait_for()
    assert get(shown, f"/users/{user}/lists")["lists"] == []


def test_without_pictures_the_page_says_how_to_index_some(opened: Open, shown: Shown) -> None:
    page = opened("pictures")
    page.get_by_text("No pictures are indexed yet").wait_for()
    page.goto(page.url.split("#")[0] + f"#/item/{shown.world.item_ids[0]}?by=picture")
    page.get_by_text("No pictures are indexed yet").wait_for()


def test_a_picture_sent_in_the_page_lists_what_looks_like_it(opened: Open, tmp_path: Path) -> None:
    world = fill(tmp_path / "home")
    settings = Settings.of(home=tmp_path / "home", kafka="127.0.0.1:1")
    for number, item in enumerate(("x1", "x2", "y1")):
        (tmp_path / "img").mkdir(exist_ok=True)
        drawing(STRIPES if item[0] == "x" else DISCS, number).save(tmp_path / "img" / f"{item}.png")
    index_pictures(settings, tmp_path / "img", "name", 1)
    drawing(STRIPES, 50).save(tmp_path / "query.png")
    (tmp_path / "text.png").write_text("no picture")
    with serving(settings) as api:
        page = opened("pictures", url=str(api.base_url).removesuffix("/api/v1/"))
        page.get_by_text("No picture yet").wait_for()
        page.get_by_label("Choose a picture").set_input_files(tmp_path / "query.png")
        answer = api.post("/similar-image", files={"file": (tmp_path / "query.png").read_bytes()}).json()
        assert items_of(page, "Looks like it") == [row["item_id"] for row in answer["items"]]
        page.get_by_alt_text("The picture that was sent").wait_for()
        picture(page, "pictures-found")
        page.get_by_label("Choose a picture").set_input_files(tmp_path / "text.png")
        page.get_by_role("alert").get_by_text("the picture is not taken").wait_for()
        page.goto(page.url.split("#")[0] + "#/item/x4?by=picture")
        page.get_by_text("No picture of this item").wait_for()
        page.context.close()
    for text in [text for text in opened.errors if "415" in text or "404" in text]:  # type: ignore[attr-defined]
        opened.errors.remove(text)  # type: ignore[attr-defined] - the browser's own lines about what was refused
    world.batch.close()
    world.speed.close()


def test_ids_of_any_characters_are_text_everywhere(opened: Open, shown: Shown) -> None:
    named = quote(shown.hostile, safe="")
    page = opened(f"user/{named}")
    assert shown.hostile in items_of(page, "History")
    page.goto(page.url.split("#")[0] + f"#/item/{named}")
    page.get_by_role("heading", name="Goes with").wait_for()
    page.locator("tr[data-item]").first.wait_for()
    page.goto(page.url.split("#")[0] + "#/trending?window=24h&category=" + named)
    page.get_by_role("heading", level=2).first.wait_for()
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    page.goto(page.url.split("#")[0] + "#/%E0%A4%A/x%")
    page.get_by_text("There is no such view").wait_for()


def test_with_keys_the_page_asks_for_one_and_keeps_it_for_the_tab(opened: Open, tmp_path: Path) -> None:
    world = fill(tmp_path / "home")
    token = create_key(world.batch, "shown", "read", "", 1)[1]
    with serving(Settings.of(home=tmp_path / "home", kafka="127.0.0.1:1")) as api:
        page = opened("overview", url=str(api.base_url).removesuffix("/api/v1/"))
        page.get_by_label("API key").fill("wrong")
        page.get_by_role("button", name="Open the page").click()
        page.get_by_role("alert").get_by_text("not valid").wait_for()
        page.get_by_label("API key").fill(token)
        page.get_by_role("button", name="Open the page").click()
        until_text(page, "[data-figure=events]", "200")
        page.reload()
        until_text(page, "[data-figure=events]", "200")
        page.goto(page.url.split("#")[0] + "#/verify")
        page.get_by_role("button", name="Verify").click()
        page.get_by_role("alert").get_by_text("this needs admin").wait_for()
        page.context.close()
    refused = [text for text in opened.errors if "401" in text or "403" in text]  # type: ignore[attr-defined]
    for text in refused:
        opened.errors.remove(text)  # type: ignore[attr-defined] - the browser's own lines about what was refused
    world.batch.close()
    world.speed.close()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_no_serious_fault_of_access_and_fits_a_phone(
    opened: Open, shown: Shown, axe: str, view: str
) -> None:
    page = opened(view.format(item=shown.world.item_ids[0]))
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function("() => !document.querySelector('.waiting')")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        picture(page, f"{view}-1440-{scheme}")
        page.evaluate(axe)
        faults = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        serious = [
            (fault["id"], [node["html"][:200] for node in fault["nodes"][:3]])
            for fault in faults
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == [], json.dumps(serious, indent=1)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.documentElement.scrollWidth <= innerWidth")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        picture(page, f"{view}-390-{scheme}")
