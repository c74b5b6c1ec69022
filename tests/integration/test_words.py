"""Words of items in answers: neighbours, recommendations, and items that no generation knows yet."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.records.books import CATALOGUE, NEW_ITEMS, NEW_ITEMS_KEY, generation_book
from adapters.records.control import Applied
from adapters.stores import open_store
from core.rows.catalogue_rows import pack_entry, pack_newest
from recommenders import TABLE, settings_of
from schemas.catalogue import Item
from schemas.errors import NotReady
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.answers.by_words import similar
from serving_layer.answers.recommend import Wish, explain, recommend
from serving_layer.merged.catalogue import NotFound, Page
from serving_layer.reading.answering import answer
from serving_layer.reading.follower import Follower
from serving_layer.reading.views import Views
from tests.kit.meanings import meanings_learned
from tests.kit.serving import words_learned
from tests.kit.small_lambda import SmallLambda, placed

START = 1_760_000_000_000
RULES = Rules()
ONLY_WORDS = settings_of({name: {"weight": float(name == "tfidf")} for name in TABLE})
SHOP = [
    Item("green", title="Green tea"),
    Item("black", title="Black tea"),
    Item("mug", title="Blue mug"),
    Item("bowl", title="Blue bowl", description="for tea"),
    Item("mute"),
]
TOUCHED = ["green", "black", "mug", "mute"]


def event(k: int, user: str, item: str) -> Event:
    when = START + k * 60_000
    return Event(0, 0, when, f"e{k}", when, "view", user, item, None, 1000, None)


@dataclass
class Shop:
    """A small installation whose catalogue a test changes as a follower of the topic does."""

    world: SmallLambda
    views: Views
    in_memory: bool
    state: Applied = field(default_factory=Applied)
    text: bytes | None = None

    def describe(self, *items: Item) -> None:
        row = self.world.speed.read(CATALOGUE, NEW_ITEMS, [NEW_ITEMS_KEY]).get(NEW_ITEMS_KEY)
        newest = pack_newest(row, {item.item_id.encode(): START for item in items})
        rows = {("items", item.item_id.encode()): pack_entry(item) for item in items}
        self._move(settled=False)
        assert self.text is not None
        assert self.world.speed.put(CATALOGUE, {**rows, (NEW_ITEMS, NEW_ITEMS_KEY): newest}, guard=self.text)
        self._move(settled=True)
        self.look()

    def learn(self, *items: Item) -> None:
        """Publish a generation that has learned the words of those items."""
        self.world.run_batch(len(self.world.log))
        book = generation_book(self.world.control.active or "")
        self.world.batch.put(book, words_learned(items))
        self.views.follower = None  # another one reads the control record at once
        self.look()

    def learn_meanings(self, *items: Item) -> None:
        """The same, with a sentence encoder as well."""
        self.world.run_batch(len(self.world.log))
        book = generation_book(self.world.control.active or "")
        self.world.batch.put(book, {**words_learned(items), **meanings_learned(items)})
        self.views.follower = None
        self.look()

    def look(self) -> None:
        if self.in_memory:
            self.views.follower = self.views.follower or Follower(self.views)
            self.views.follower.look()

    def near(self, item: str, **page: int) -> list[str]:
        body = answer(self.views, lambda snapshot: similar(snapshot, item.encode(), Page(**page), "words"))
        assert body["by"] == "words"
        return [row["item_id"] for row in body["items"]]

    def liked(self, user: str) -> list[str]:
        rows = answer(self.views, lambda snapshot: recommend(snapshot, user.encode(), Wish()))["items"]
        return [row["item_id"] for row in rows]

    def _move(self, settled: bool) -> None:
        before, self.state = self.text, self.state.moved(settled=settled)
        self.text = self.state.to_json()
        assert self.world.speed.swap(CATALOGUE, before, self.text)


@pytest.fixture(params=[False, True], ids=["from the stores", "from memory"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    log = [*(event(k, f"u{k}", item) for k, item in enumerate(TOUCHED)), event(9, "drinker", "green")]
    world = SmallLambda(batch, speed, RULES, placed(log, RULES))
    world.begin()
    world.run_speed(len(log))
    shop = Shop(world, Views(batch, speed, recommenders=ONLY_WORDS), request.param)
    shop.describe(*SHOP)
    yield shop
    batch.close()
    speed.close()


def test_neighbours_by_words_need_no_event_and_hidden_items_are_not_among_them(shop: Shop) -> None:
    shop.learn(*SHOP)
    assert shop.near("green") == ["black", "bowl"]
    assert shop.near("bowl", n=1) == ["mug"]
    shop.describe(Item("black", title="Black tea", hidden=True))
    assert shop.near("green") == ["bowl"]


def test_an_item_is_recommended_by_its_words_as_soon_as_it_is_described(shop: Shop) -> None:
    shop.learn(*SHOP)
    assert shop.liked("drinker") == ["black", "bowl"]
    shop.describe(Item("sencha", title="Green tea"), Item("odd", title="unheard-of"))
    assert shop.liked("drinker")[0] == "sencha"
    assert shop.near("green")[0] == "sencha"
    assert shop.near("sencha")[0] == "green"
    explained = answer(shop.views, lambda snapshot: explain(snapshot, b"drinker", b"sencha"))
    assert [row["item_id"] for row in explained["because"]] == ["green"]


def test_an_item_without_words_has_its_neighbours_by_behaviour_and_the_answer_says_so(shop: Shop) -> None:
    shop.learn(*SHOP)
    body = answer(shop.views, lambda snapshot: similar(snapshot, b"mute", Page(), "words"))
    assert body["by"] == "behaviour"
    assert "no record of this item with words" in body["missing"]
    assert body["norm"] == 1.0
    with pytest.raises(NotFound):
        answer(shop.views, lambda snapshot: similar(snapshot, b"nothing", Page(), "words"))


def test_a_sentence_encoder_answers_where_one_was_trained_and_finds_new_items_by_its_table(shop: Shop) -> None:
    shop.views.recommenders = settings_of({name: {"weight": float(name == "words")} for name in TABLE})
    shop.learn_meanings(*SHOP)
    body = answer(shop.views, lambda snapshot: similar(snapshot, b"green", Page(), "words"))
    assert (body["by"], body["model"]) == ("words", "words")
    assert {row["item_id"] for row in body["items"]} == {"black", "mug", "bowl"}  # what has no text is not there
    assert "new" not in shop.liked("drinker")
    shop.describe(Item("new", title="green tea"), Item("odd", title="xyzzy"))
    assert "new" in shop.near("green")
    assert "green" in shop.near("new")
    assert "new" in shop.liked("drinker")
    assert "odd" not in shop.liked("drinker")
    odd = answer(shop.views, lambda snapshot: similar(snapshot, b"odd", Page(), "words"))
    assert odd["by"] == "behaviour"


def test_before_words_are_learned_the_remedy_is_named(shop: Shop) -> None:
    with pytest.raises(NotReady, match="millrace batch run"):
        shop.near("green")
    assert shop.liked("drinker") == []
