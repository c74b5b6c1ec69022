"""The contract of recommenders, on all that ship and on one that a single folder adds."""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import recommenders
from adapters.stores import open_store
from batch_layer.learning.evaluation import InteractionsPast
from core.quality.ranking_quality import Interactions
from recommenders import settings_of
from recommenders.als import AlsSettings
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.ease import EaseSettings
from recommenders.latest import LatestSettings
from recommenders.opened import fit_all, open_all
from schemas.catalogue import Item
from schemas.errors import SettingsError
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.answers.recommend import Wish, explain, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views
from tests.contract.recommender_contract import RecommenderContract, scores_of, tastes
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.streams import DAY, START

SMALL = AlsSettings(factors=8, iterations=5, regularization=1.0, engine="implicit")


class TestAls(RecommenderContract):
    name = "als"

    def settings(self) -> AlsSettings:
        return SMALL


class TestSimilar(RecommenderContract):
    name = "similar"


class TestPopular(RecommenderContract):
    name = "popular"
    personal = False


class TestTrending(RecommenderContract):
    name = "trending"
    personal = False


class TestRepeat(RecommenderContract):
    name = "repeat"
    on = False
    personal = False  # what it lists the user has seen: it finds nothing new


class TestLatest(RecommenderContract):
    name = "latest"
    on = False
    personal = False

    def settings(self) -> LatestSettings:
        return LatestSettings(hours=240)  # all of the ten days: their items are new


class TestAlsTaste(RecommenderContract):
    name = "als_taste"
    on = False

    def fit_settings(self) -> AlsSettings:
        return SMALL


class TestEase(RecommenderContract):
    name = "ease"
    on = False

    def settings(self) -> EaseSettings:
        return EaseSettings(regularization=20.0, neighbours=30)


class TestRp3Beta(RecommenderContract):
    name = "rp3beta"
    on = False


class TestItemKnn(RecommenderContract):
    name = "item_knn"
    on = False


class TestUserKnn(RecommenderContract):
    name = "user_knn"
    on = False


class TestMf(RecommenderContract):
    name = "mf"
    on = False
    personal = False  # it predicts ratings, and those of these pasts do not depend on tastes


@pytest.fixture
def labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The categories of items: the groups of ``tastes``."""
    unlabelled = Cohort.of

    def of(*of_events: Any, **more: Any) -> Cohort:
        cohort = unlabelled(*of_events, **more)
        return replace(cohort, labels_of=[(f"group {code // 10}",) for code in range(len(cohort.names))])

    monkeypatch.setattr(Cohort, "of", of)


@pytest.mark.usefixtures("labelled")
class TestAffinity(RecommenderContract):
    name = "affinity"
    on = False


class TestTfidf(RecommenderContract):
    name = "tfidf"
    on = False

    def fitted(self, events: Interactions, cohort: Cohort, before: Artefact | None = None) -> Artefact | None:
        """Titles have a word of the item's group of ``tastes``, and one of its own."""
        described = [Item(f"{code}", title=f"group{code // 10} thing{code}") for code in range(events.items)]
        return super().fitted(replace(events, records=described), cohort, before)


class TestWords(RecommenderContract):
    name = "words"
    on = False

    def fitted(self, events: Interactions, cohort: Cohort, before: Artefact | None = None) -> Artefact | None:
        """Each group of ``tastes`` means the same."""
        if not len(events):
            return None
        return Artefact({"text_model": ""}, list(cohort.names), {"vectors": directions(events.items)})


class TestPicture(RecommenderContract):
    name = "picture"
    on = False

    def fitted(self, events: Interactions, cohort: Cohort, before: Artefact | None = None) -> Artefact | None:
        """Each group of ``tastes`` looks alike."""
        return super().fitted(replace(events, pictures=directions(events.items)), cohort, before)


def directions(items: int) -> NDArray[np.float32]:
    """Each group of ``tastes`` has a direction of its own, from which its items differ a little."""
    vectors = np.random.default_rng(1).normal(0, 0.1, (items, 8)).astype(np.float32)
    vectors[np.arange(items), np.arange(items) // 10] += 1
    return vectors / np.sqrt((vectors**2).sum(axis=1, keepdims=True))


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line that a new recommender takes beside its folder."""
    monkeypatch.setitem(recommenders.TABLE, "toy", "tests.toy_recommender")


@pytest.mark.usefixtures("toy")
class TestToy(RecommenderContract):
    name = "toy"
    personal = False


@pytest.mark.usefixtures("toy")
def test_a_new_recommender_is_evaluated_blended_served_and_explained(tmp_path: Path) -> None:
    settings = settings_of({"toy": {"weight": 0.9, "least": 2}, "als": {"weight": 0}})
    events = tastes()
    cohort = Cohort.of(events, Rules())
    artefacts = fit_all(InteractionsPast(events, cohort.names), settings)
    assert list(artefacts) == ["toy"]  # what has no weight is not learned
    assert list(open_all(artefacts, settings)) == ["similar", "popular", "trending", "toy"]

    rules = Rules(history_items=6, remembered_ids=8, partitions=2)
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}") for name in ("b.sqlite", "s.sqlite"))
    world = SmallLambda(batch, speed, rules, placed(looks(), rules))
    items = sorted({event.item_id.encode() for event in world.log})
    toys = fit_all(InteractionsPast(named(len(items)), items), settings)["toy"]
    assert toys is not None
    world.run_batch(len(world.log), {("toy", key): row for key, row in toys.rows()})
    world.begin()
    views = Views(batch, speed, recommenders=settings)
    user = world.log[-1].user_id.encode()
    recommended = answer(views, lambda snapshot: recommend(snapshot, user, Wish(include_seen=True)))
    assert "toy" in {row["source"] for row in recommended["items"]}
    explained = answer(views, lambda snapshot: explain(snapshot, user, recommended["items"][0]["item_id"].encode()))
    assert "toy" in explained["sources"]
    batch.close()
    speed.close()


WHOLE = ["als_taste", "ease", "rp3beta", "item_knn", "user_knn"]


@pytest.mark.parametrize("name", WHOLE)
def test_all_that_stands_speaks_in_an_answer_and_not_only_the_last_items(name: str, tmp_path: Path) -> None:
    """The served scores are those of a cohort with the same events, whether the speed layer added some or not."""
    off = {other: {"weight": 0} for other in recommenders.TABLE}
    tables = off | {name: {"weight": 1.0}, "als": {"weight": 0, "factors": 6, "engine": "implicit"}}
    settings, rules = settings_of(tables), Rules(history_items=2, remembered_ids=8, partitions=2)
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}") for name in ("b.sqlite", "s.sqlite"))
    world = SmallLambda(batch, speed, rules, placed(looks(), rules))
    events, items = as_interactions(world.log)
    artefacts = fit_all(InteractionsPast(events, items), settings)
    rows = {(of, key): row for of, artefact in artefacts.items() if artefact for key, row in artefact.rows()}
    views, user = Views(batch, speed, recommenders=settings), 3
    cohort = Cohort.of(events, rules, items)
    scorer = open_all(artefacts, settings)[name].scorer
    expected = scores_of(scorer, cohort.question(user), len(items))
    best = max(expected.values())
    for boundary in (len(world.log) // 2, len(world.log)):
        world.run_batch(boundary, rows)
        if boundary < len(world.log):
            world.begin()
            world.run_speed(len(world.log))
        given = answer(views, partial(recommend, user=b"u3", wish=Wish(Page(n=len(items)), include_seen=True)))["items"]
        assert {row["item_id"].encode(): row["score"] for row in given} == pytest.approx(
            {item: score / best for item, score in expected.items()}
        )
        explained = answer(views, partial(explain, user=b"u3", item=given[0]["item_id"].encode()))
        assert len(explained["because"]) > rules.history_items
        assert any(row["last_time"] is None for row in explained["because"])
    batch.close()
    speed.close()


def looks() -> list[Event]:
    """Fifteen users who look at twenty items, all of which are looked at."""
    rng = random.Random(5)
    at = START + DAY
    return [
        Event(0, k, at, f"e{k}", START + k, "view", f"u{rng.randrange(15)}", f"i{k % 20:02d}", None, 1000, None)
        for k in range(200)
    ]


def as_interactions(log: Sequence[Event]) -> tuple[Interactions, list[bytes]]:
    """The events with users by number and items by name, in order of time."""
    events = sorted(log, key=lambda event: event.timestamp)
    items = sorted({event.item_id.encode() for event in events})
    user = np.array([int(event.user_id[1:]) for event in events])
    item = np.array([items.index(event.item_id.encode()) for event in events])
    weight, time = (np.array([getattr(event, name) for event in events]) for name in ("weight", "event_time"))
    return Interactions(user, item, weight, time, int(user.max()) + 1, len(items)), items


def named(items: int) -> Interactions:
    """Every item touched by as many users as its code says, and two more."""
    item = np.repeat(np.arange(items), np.arange(items) + 2)
    user = np.concatenate([np.arange(count + 2) for count in range(items)])
    return Interactions(user, item, np.full(len(item), 1000), np.arange(len(item)), items + 2, items)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"alz": {}}, "unknown recommender 'alz': did you mean 'als'?"),
        ({"als": {"factor": 3}}, "unknown setting of recommenders.als: 'factor': did you mean 'factors'?"),
        ({"als": {"factors": "many"}}, "setting recommenders.als.factors must be of type int, not 'many'"),
        ({"als": {"weight": True}}, "setting recommenders.als.weight must be of type float, not True"),
        ({"popular": {"weight": -1}}, "setting recommenders.popular.weight must be a number that is not negative"),
    ],
)
def test_a_setting_that_is_unknown_or_of_another_type_is_refused_with_the_nearest_known_one(
    tables: dict[str, dict[str, Any]], said: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(tables)
    assert str(refused.value) == said


def test_a_whole_number_will_do_for_a_weight() -> None:
    assert settings_of({"als": {"weight": 1}})["als"] == replace(AlsSettings(), weight=1)
