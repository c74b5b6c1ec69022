"""Logs that teach no blend end in a sentence, whichever way they are poor."""

from dataclasses import replace

import numpy as np
import pytest

from batch_layer.learning.asking import Question, in_process
from batch_layer.learning.blending import FEWEST_TO_ASK
from batch_layer.learning.splits import TIME, is_new, split
from batch_layer.learning.teaching import MOST_ANY, from_splits, from_walk, shown, walk_of
from core.quality.ranking_quality import Interactions
from core.ranking.learned import Learned
from recommenders import settings_of
from schemas.event import REMOVE
from schemas.rules import Rules

LEARNS = ("similar", "popular", "trending", "latest", "als", "ease", "user_knn")
QUESTION = Question(Rules(), in_process(settings_of({})), learns=LEARNS)
START, MINUTE, MANY = 1_700_000_000_000, 60_000, 1_200
Row = tuple[int, int, int, int]  # user, item, weight, minute

POOR: dict[str, list[Row]] = {
    "nothing": [],
    "one event": [(0, 0, 1_000, 0)],
    "a short log": [(k % 7, k % 11, 1_000, k) for k in range(2 * FEWEST_TO_ASK)],
    "one moment": [(k % 40, k % 31, 1_000, 0) for k in range(MANY)],
    "one user": [(0, k, 1_000, k) for k in range(MANY)],
    "constant items": [(k, 0, 1_000, k) for k in range(MANY)],
    "only repeats": [(k % 40, k % 4, 1_000, k) for k in range(MANY)],
    "the same event again and again": [(0, 0, 1_000, 0)] * MANY,
    "only strangers to new items": [(k, k, 1_000, k) for k in range(MANY)],
    "only retractions": [(k % 40, k % 31, REMOVE, k) for k in range(MANY)],
}


def interactions(rows: list[Row]) -> Interactions:
    user, item, weight, minute = np.array(rows, np.int64).reshape(-1, 4).T
    users, items = (int(codes.max(initial=-1)) + 1 for codes in (user, item))
    return Interactions(user, item, weight, START + minute * MINUTE, users, items)


@pytest.mark.parametrize("kind", POOR)
@pytest.mark.filterwarnings("error")
def test_a_log_that_cannot_teach_is_a_sentence_and_weights_stay_fixed(kind: str) -> None:
    events = interactions(POOR[kind])
    names = [b"i%05d" % code for code in range(events.items)]
    for blend in (from_walk(events, names, QUESTION).new, from_splits([split(events, TIME)], QUESTION)):
        assert isinstance(blend, str), shown(blend)
        assert blend.startswith("sources keep the weights of their tables: ")
        assert blend.endswith(f"needs {FEWEST_TO_ASK:,}")
        assert int(blend.split("newest part ")[1].split(" ")[0].replace(",", "")) < FEWEST_TO_ASK
        assert shown(blend) == {"missing": blend, "says": blend}


def test_a_log_of_repeats_teaches_the_blend_of_lists_that_may_have_seen_items() -> None:
    """Each user returns to own items; nothing is ever new."""
    rng = np.random.default_rng(4)
    user = rng.integers(0, 40, MANY)
    events = interactions([(int(u), int(u) * 3 + k % 3, 1_000, k) for k, u in enumerate(user.tolist())])
    question = replace(QUESTION, learns=("similar", "popular", "repeat"))
    blends = from_walk(events, [b"i%05d" % code for code in range(events.items)], question)
    assert isinstance(blends.new, str)
    assert isinstance(blends.again, Learned), blends.again
    assert "repeat" in blends.again.sources
    assert blends.again.facts["hr@10"] > 0.9
    assert blends.of(seen_again=False) is None


def test_an_event_is_asked_about_once_for_both_kinds_of_lists() -> None:
    events = interactions([(k % 50, k * 7 % 200, 1_000, k) for k in range(20_000)])
    walk = walk_of(events)
    assert len(walk.any) == MOST_ANY
    new = is_new(events)
    assert new[walk.new].all()
    assert set(walk.any[new[walk.any]]) <= set(walk.new) or len(walk.new) < MOST_ANY
    assert min(walk.any) >= walk.begin
