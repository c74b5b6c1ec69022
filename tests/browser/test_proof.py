"""A proof that is begun in the page: its count rises there, and it ends with what the command says."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.kit.commands import QUICK_JAVA
from tests.kit.serving import problem
from tests.kit.shown_shop import Shown

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.deep]


def test_a_proof_begun_in_the_page_shows_how_much_was_compared(
    opened: "Callable[..., Page]", shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = shown.shop.log
    monkeypatch.setenv("MILLRACE_KAFKA", log.bootstrap)
    monkeypatch.setenv("MILLRACE_TOPIC_PREFIX", log.topics.events.removesuffix("events"))
    monkeypatch.setenv("JDK_JAVA_OPTIONS", QUICK_JAVA)
    page = opened("verify")
    page.get_by_text("Nothing was proved yet").wait_for()
    page.get_by_role("button", name="Verify").click()
    page.locator("[data-outcome=running]").wait_for()
    problem(shown.api.post("/verify", json={"sample": 5}), 409)
    ended = page.locator("[data-outcome=proved], [data-outcome=mismatches], [data-outcome=failed]")
    ended.wait_for(timeout=300_000)
    state = shown.api.get("/verify").json()
    assert (state["outcome"], state["mismatches"]) == ("proved", 0), state
    assert page.locator("[data-figure=sums]").inner_text() == f"{state['sums']:,}"
    assert state["sums"] > 1_000
