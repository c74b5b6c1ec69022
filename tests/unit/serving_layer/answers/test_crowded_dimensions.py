"""``status`` names a dimension of the counters that a client fills with ids, and the setting that leaves it out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.settings import Settings
from adapters.stores import open_store
from serving_layer.answers import crowded
from serving_layer.answers.status import status
from serving_layer.reading.views import Views
from tests.kit.serving import START, event
from tests.kit.small_lambda import SmallLambda, placed

EVENTS, LIMIT = 90, 30


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SmallLambda]:
    """A generation of 40 events and a segment of 50, each with a source of its own and one of three categories."""
    events = [
        replace(event(k, f"u{k % 7}", f"i{k}", category=f"c{k % 3}"), event_time=START + k, source=f"campaign-{k}")
        for k in range(EVENTS)
    ]
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    small = SmallLambda(batch, speed, Settings(home=tmp_path).rules, placed(events, Settings(home=tmp_path).rules))
    small.begin()
    small.run_batch(40)
    small.run_speed(EVENTS)
    yield small
    batch.close()
    speed.close()


def test_it_is_named_with_how_many_counters_it_has_at_least_and_what_to_do(
    world: SmallLambda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowded, "MANY_COUNTERS", LIMIT)
    report = status(Views(world.batch, world.speed), Settings(home=tmp_path), None, START)
    [dimension] = report["crowded_dimensions"]
    assert dimension["dimension"] == "source"
    assert LIMIT < dimension["counters"] <= EVENTS
    [message] = [text for text in report["messages"] if "counted by source" in text]
    assert f"{dimension['counters']} names or more" in message
    assert "leave 'source' out of `dimensions` of `[fold]`" in message
    assert "millrace batch run --full" in message


def test_items_and_the_usual_number_of_values_are_no_message(world: SmallLambda, tmp_path: Path) -> None:
    report = status(Views(world.batch, world.speed), Settings(home=tmp_path), None, START)
    assert report["crowded_dimensions"] == []
    assert not [text for text in report["messages"] if "counted by" in text]
