"""The source ``affinity`` in answers: categories of events and records, brands, and a catalogue that changes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.records.books import CATALOGUE
from adapters.records.control import Applied
from adapters.stores import open_store
from adapters.stores.port import ViewStore
from core.rows.catalogue_rows import pack_entry
from recommenders import TABLE, settings_of
from schemas.catalogue import Item
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.answers.recommend import Wish, explain, recommend
from serving_layer.reading.answering import answer
from serving_layer.reading.follower import Follower
from serving_layer.reading.views import Views
from tests.kit.small_lambda import SmallLambda, placed

START = 1_760_000_000_000
RULES = Rules()
ONLY_TASTES = settings_of({name: {"weight": float(name == "affinity")} for name in TABLE})


def event(k: int, user: str, item: str, category: str | None) -> Event:
    when = START + k * 60_000
    return Event(0, 0, when, f"e{k}", when, "view", user, item, None, 1000, category)


GOODS = [("green", "tea"), ("black", "tea"), ("black", "tea"), ("mug", "pots"), ("rose", None)]
EVENTS = [event(k, f"u{k}", *row) for k, row in enumerate(GOODS)] + [event(9, "drinker", "white", "tea")]


@dataclass
class Catalogue:
    """Writes records as a follower of the topic does, under a claim each."""

    store: ViewStore
    state: Applied = field(default_factory=Applied)
    text: bytes | None = None

    def take(self, *records: Item) -> None:
        rows = {("items", record.item_id.encode()): pack_entry(record) for record in records}
        self._move(settled=False)
        assert self.text is not None
        assert self.store.put(CATALOGUE, rows, guard=self.text)
        self._move(settled=True)

    def _move(self, settled: bool) -> None:
        before, self.state = self.text, self.state.moved(settled=settled)
        self.text = self.state.to_json()
        assert self.store.swap(CATALOGUE, before, self.text)


@pytest.fixture
def views(tmp_path: Path) -> Iterator[Views]:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    world = SmallLambda(batch, speed, RULES, placed(EVENTS, RULES))
    world.begin()
    world.run_speed(len(EVENTS))
    yield Views(batch, speed, recommenders=ONLY_TASTES)
    batch.close()
    speed.close()


def liked(views: Views) -> list[str]:
    rows = answer(views, lambda snapshot: recommend(snapshot, b"drinker", Wish()))["items"]
    assert {row["source"] for row in rows} <= {"affinity"}
    return [row["item_id"] for row in rows]


def test_what_is_popular_in_the_category_of_the_history_is_recommended_and_explained(views: Views) -> None:
    assert liked(views) == ["black", "green"]
    explained = answer(views, lambda snapshot: explain(snapshot, b"drinker", b"green"))
    assert list(explained["sources"]) == ["affinity"]
    assert [row["item_id"] for row in explained["because"]] == ["white"]


@pytest.mark.parametrize("in_memory", [False, True], ids=["from the stores", "from memory"])
def test_records_count_from_the_moment_they_are_applied(views: Views, in_memory: bool) -> None:
    catalogue, follower = Catalogue(views.speed), Follower(views)
    if in_memory:
        views.follower = follower

    def after(*records: Item) -> list[str]:
        catalogue.take(*records)
        follower.look()
        return liked(views)

    assert after(Item("mug", category="tea")) == ["black", "green", "mug"]
    assert after(Item("white", category="tea", brand="Lu"), Item("rose", brand="Lu")) == [
        "rose",
        "black",
        "green",
        "mug",
    ]
    assert after(Item("rose", brand="Lu", hidden=True)) == ["black", "green", "mug"]
    assert after(Item("white", category="coffee")) == []
