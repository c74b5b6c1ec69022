"""A learned blend serves what it learned: the walk that learns it and the answers that use it are of one mind."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from adapters.records.artefacts import blend_rows
from batch_layer.learning.asking import Question, in_process
from batch_layer.learning.blending import FEWEST_TO_ASK
from batch_layer.learning.lessons import Asked, Walk, of_walk
from batch_layer.learning.past import SmallPast
from batch_layer.learning.teaching import fitted_for, from_walk, shown
from core.quality.ranking_quality import Interactions
from core.ranking.features import PER_SIGNAL
from core.ranking.kernels import READABLE
from core.ranking.learned import CONTEXTS, Blends, Learned, Signal
from core.ranking.variety import BEST_ALONE, Variety
from millrace.judging.world import World
from recommenders import settings_of
from recommenders.signals import open_signals
from recommenders.traits import TRAITS
from schemas.event import EVENT_COLUMNS
from schemas.rules import Rules
from serving_layer.answers.recommend import Wish, explain, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from tests.kit.streams import START

HOUR_MS = 3_600_000
USERS, ITEMS, EVENTS = 60, 300, 2_400
LEARNS = ("similar", "popular")
SETTINGS = in_process(settings_of({}))
QUESTION = Question(Rules(), SETTINGS, learns=LEARNS)
NONE = np.zeros(0, np.int64)
NAMES = [b"i%04d" % code for code in range(ITEMS)]


@pytest.fixture(scope="module")
def news() -> Interactions:
    """What is read is new: of each hour's ten readings most are of the three newest items."""
    rng = np.random.default_rng(5)
    hour = np.arange(EVENTS) // 10
    item = np.where(rng.random(EVENTS) < 0.8, hour + rng.integers(0, 3, EVENTS), rng.integers(0, ITEMS, EVENTS)) % ITEMS
    weight = np.full(EVENTS, 1_000)
    return Interactions(rng.integers(0, USERS, EVENTS), item, weight, START + hour * HOUR_MS, USERS, ITEMS)


@pytest.fixture(scope="module")
def learned(news: Interactions) -> Learned:
    blend = from_walk(news, NAMES, QUESTION).new
    assert isinstance(blend, Learned), blend
    return blend


@pytest.fixture(scope="module")
def again(news: Interactions) -> Learned:
    """What is learned of lists that may have seen items."""
    blend = from_walk(news, NAMES, replace(QUESTION, learns=(*LEARNS, "repeat"))).again
    assert isinstance(blend, Learned), blend
    return blend


@pytest.fixture(scope="module")
def world(news: Interactions, learned: Learned, again: Learned) -> World:
    return published(news, Blends(learned, again))


def published(news: Interactions, blends: Blends) -> World:
    """All events of the news, with a generation that has learned those blends."""
    import pyarrow as pa

    n = len(news)
    columns = {
        "partition": pa.array(np.zeros(n), pa.int32()),
        "offset": pa.array(np.arange(n)),
        "timestamp": pa.array(news.time),
        "event_time": pa.array(news.time),
        "event_id": pa.array([f"e{k}" for k in range(n)]),
        "user_id": pa.array([f"u{user}" for user in news.user.tolist()]),
        "item_id": pa.array([NAMES[item].decode() for item in news.item.tolist()]),
        "weight": pa.array(news.weight),
    }
    whole = [columns.get(field.name, pa.nulls(n, field.type)).cast(field.type) for field in EVENT_COLUMNS]
    log = pa.RecordBatch.from_arrays(whole, schema=EVENT_COLUMNS)
    served = World(log, Rules(), SETTINGS, 0.0)
    served.publish(EVENTS - 200, {}, blend_rows(blends))
    served.advance(EVENTS)
    return served


def stored_columns(blend: Learned) -> list[int]:
    """Return which columns of a lesson that blend weighs: those of its signals, and of its traits."""
    return [*range(blend.of_signals), *(blend.of_signals + list(TRAITS).index(name) for name in blend.traits)]


def test_a_log_of_news_teaches_that_news_counts(learned: Learned) -> None:
    facts = shown(learned)
    assert facts["hr@10"] >= facts["best_source_hr@10"] - 0.02
    assert facts["best_source"].startswith("popular")
    assert "hits among ten" in facts["says"]
    assert learned.knots


def test_an_answer_says_what_the_walk_would_have_learned_from(
    news: Interactions, learned: Learned, world: World
) -> None:
    """The features of a question, in the walk before the last event and in an answer at the same place of the log."""
    scorers = open_signals(learned.signals, fitted_for(LEARNS, SmallPast(news, NAMES), SETTINGS), SETTINGS)
    known = news.before(EVENTS)
    more = Interactions(
        np.r_[known.user, 7], np.r_[known.item, ITEMS - 1], np.r_[known.weight, 1_000],
        np.r_[known.time, known.time[-1]], USERS, ITEMS,
    )  # fmt: skip
    (lesson,), () = of_walk(more, NAMES, QUESTION, Walk(EVENTS - 500, np.array([EVENTS]), NONE), Asked(scorers, []))
    listed = answer(world.views, partial(recommend, user=b"u7", wish=Wish(Page(5))))["items"]
    best = listed[0]["item_id"].encode()
    explained = answer(world.views, partial(explain, user=b"u7", item=best))
    assert explained["score"] == listed[0]["score"]
    values = {(entry["signal"], entry["feature"]): entry["value"] for entry in explained["features"]}
    shares = [entry["value"] for entry in explained["features"]]
    assert values
    known_of = [row[row > 0] for row in lesson.rows[:, stored_columns(learned)]]
    assert any(len(row) == len(shares) and np.allclose(row, shares) for row in known_of)
    assert listed[0]["confidence"] < 1
    assert sum(explained["sources"].values()) == pytest.approx(explained["score"])


def test_both_twins_answer_alike(world: World) -> None:
    wish = Wish(Page(60))
    fast = answer(world.views, partial(recommend, user=b"u3", wish=wish))["items"]
    compiled, world.views.kernels = world.views.kernels, READABLE
    try:
        slow = answer(world.views, partial(recommend, user=b"u3", wish=wish))["items"]
    finally:
        world.views.kernels = compiled
    assert fast == slow


def test_a_page_of_a_long_list_begins_as_the_short_one(world: World) -> None:
    def items(n: int) -> list[tuple[str, float]]:
        rows = answer(world.views, partial(recommend, user=b"u3", wish=Wish(Page(n))))["items"]
        return [(row["item_id"], row["score"]) for row in rows]

    assert items(200)[:10] == items(10)
    assert len(items(200)) > 100


def test_users_without_history_get_the_learned_blend_too(world: World) -> None:
    shown_to_nobody = answer(world.views, partial(recommend, user=b"nobody", wish=Wish()))
    assert not shown_to_nobody["personal"]
    assert len(shown_to_nobody["items"]) == 10


def test_a_user_of_whom_no_signal_knows_anything_gets_what_fixed_weights_list(news: Interactions) -> None:
    personal = Learned((Signal("similar"),), ((1.0,) * CONTEXTS,) * PER_SIGNAL, [(0.0, 1.0), (1.0, 1.0)])
    plain, by_history = published(news, Blends()), published(news, Blends(personal, personal))
    lists = [
        answer(world.views, partial(recommend, user=b"nobody", wish=Wish()))["items"] for world in (plain, by_history)
    ]
    assert lists[0] == lists[1]
    assert len(lists[0]) == 10
    known = answer(by_history.views, partial(recommend, user=b"u3", wish=Wish()))["items"]
    assert {row["source"] for row in known} == {"similar"}


def test_a_log_too_short_to_learn_from_is_a_sentence(news: Interactions) -> None:
    sentence = from_walk(news.before(40), NAMES, QUESTION).new
    assert isinstance(sentence, str)
    assert f"learning a blend needs {FEWEST_TO_ASK}" in sentence


def test_lists_that_may_have_seen_items_are_those_of_their_own_blend(
    news: Interactions, again: Learned, world: World
) -> None:
    """What the walk learned of such lists is what answers compute: the same scores for the same candidates."""
    artefacts = fitted_for(again.sources, SmallPast(news, NAMES), SETTINGS)
    scorers = open_signals(again.signals, artefacts, SETTINGS)
    more = Interactions(
        np.r_[news.user, 7], np.r_[news.item, 3], np.r_[news.weight, 1_000], np.r_[news.time, news.time[-1]],
        USERS, ITEMS,
    )  # fmt: skip
    (), (lesson,) = of_walk(more, NAMES, QUESTION, Walk(EVENTS - 500, NONE, np.array([EVENTS])), Asked([], scorers))
    listed = answer(world.views, partial(recommend, user=b"u7", wish=Wish(Page(10), include_seen=True)))["items"]
    z = lesson.rows[:, stored_columns(again)] @ again.weights_for(lesson.context)
    order = np.sort(np.exp(z - z.max()))[::-1][:10]
    scores = np.array([row["score"] for row in listed])
    assert np.allclose(order / order[0], scores / scores[0], rtol=1e-4)
    seen = {NAMES[item].decode() for item in news.item[news.user == 7].tolist()}
    new = answer(world.views, partial(recommend, user=b"u7", wish=Wish(Page(10))))["items"]
    assert not seen & {row["item_id"] for row in new}


def test_new_items_get_their_share_of_places_the_same_ones_for_the_same_question(world: World) -> None:
    def rows(share: float) -> list[dict[str, Any]]:
        world.views.variety = Variety(explore=share)
        listed: list[dict[str, Any]] = answer(world.views, partial(recommend, user=b"u3", wish=Wish(Page(20))))["items"]
        world.views.variety = BEST_ALONE
        return listed

    listed, best = rows(0.4), rows(0.0)
    assert listed == rows(0.4)
    new = [row for row in listed if row.get("explored")]
    assert new
    assert {row["source"] for row in new} == {"latest"}
    assert len({row["item_id"] for row in listed}) == len(listed)
    assert not any("explored" in row for row in best)
    chosen = {row["item_id"] for row in new}
    kept = [row["item_id"] for row in listed if not row.get("explored")]
    assert kept == [row["item_id"] for row in best if row["item_id"] not in chosen][: len(kept)]
