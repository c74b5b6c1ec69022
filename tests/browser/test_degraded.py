"""A part that is lost shows on the open page, and so does its return."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.machine.children import free_port
from adapters.settings import Settings
from adapters.stores import open_store
from tests.kit.killable import killable_redis
from tests.kit.serving import RULES, model_rows, serving, shop
from tests.kit.small_lambda import SmallLambda, placed

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.deep]


def test_a_stopped_redis_shows_as_degraded_and_recovers(opened: "Callable[..., Page]", tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    port = free_port()
    redis, url = killable_redis(tmp_path / "redis", port), f"redis://127.0.0.1:{port}"
    redis.start()
    batch, speed = open_store(f"sqlite:///{home / 'batch.sqlite'}"), open_store(url)
    world = SmallLambda(batch, speed, RULES, placed(shop(), RULES))
    world.begin()
    world.run_speed(50)
    world.run_batch(120, model_rows(sorted({event.item_id for event in world.log})))
    world.run_speed(200)
    with serving(Settings.of(home=home, kafka="127.0.0.1:1", speed_views=url)) as api:
        page = opened("overview", url=str(api.base_url).removesuffix("/api/v1/"))
        events = "() => document.querySelector('[data-figure=events]')?.textContent"
        page.wait_for_function(f"{events} === '200'")
        redis.kill()
        page.get_by_text("This answer lacks the speed view").first.wait_for()
        page.wait_for_function(f"{events} === '120'")
        redis.start()
        page.wait_for_function(f"{events} === '200'")
        page.wait_for_function("() => !document.body.textContent.includes('lacks the speed view')")
        page.context.close()
    batch.close()
    speed.close()
    redis.stop()
