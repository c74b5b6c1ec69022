"""Logs that teach no blend end in a sentence, whichever way they are poor."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from batch_layer.learning import lessons
from batch_layer.learning.asking import Question, in_process
from batch_layer.learning.blending import FEWEST_TO_ASK
from batch_layer.learning.evaluation import evaluate
from batch_layer.learning.splits import TIME, is_new, split
from batch_layer.learning.teaching import MOST_ANY, from_splits, from_walk, left_out, sentence, shown, walk_of
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


SMALL = interactions([(k % 40, k * 7 % 31, 1_000, k) for k in range(600)])
SMALL_NAMES = [b"i%05d" % code for code in range(SMALL.items)]
UNTAUGHT = {
    "mf": "all ratings are equal, so there is nothing to predict",
    "tfidf": "no item has a catalogue record",
    "picture": "no pictures are indexed; run `millrace pictures index FOLDER`",
    "sasrec": "540 ratings, and fewest of [recommenders.sasrec] is 1,000",
}


def test_sources_that_learned_nothing_are_not_in_the_blend_and_a_sentence_says_why() -> None:
    question = replace(QUESTION, learns=("similar", "popular", *UNTAUGHT))
    blends = from_walk(SMALL, SMALL_NAMES, question)
    for blend in blends.learned:
        assert set(blend.sources) <= {"similar", "popular"}
        assert not any(name in sentence(blend) for name in UNTAUGHT)
        assert blend.facts["of"] == list(question.learns)  # the next run compares with what was asked for
    assert len(blends.learned) == 2
    said = left_out(blends)
    assert said[:3] == [f"{name} is left out of the blend: {why}" for name, why in list(UNTAUGHT.items())[:3]]
    assert "ratings, and fewest of [recommenders.sasrec] is 1,000" in said[3]
    assert len(said) == 4


def test_a_walk_shows_how_many_questions_were_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    shown_of = dict[str, int | None]()

    def watched(what: str, things: Iterable[int], total: int | None = None, every: int = 1) -> Iterator[int]:
        shown_of[what] = total
        yield from things

    monkeypatch.setattr(lessons, "watched", watched)
    from_walk(SMALL, SMALL_NAMES, replace(QUESTION, learns=("popular",)))
    walk = walk_of(SMALL)
    assert shown_of == {"asking questions of the newest part": len({*walk.new.tolist(), *walk.any.tolist()})}


def test_an_evaluation_says_which_sources_had_no_list_and_why() -> None:
    report = evaluate(SMALL, replace(QUESTION, learns=(), every_source=True))
    assert report["blend"]["ndcg@10"] >= 0
    silent = report["without_list"]
    known = {name: why for name, why in silent.items() if name in UNTAUGHT}
    assert known == UNTAUGHT | {"sasrec": known["sasrec"]}
    assert "ratings, and fewest of [recommenders.sasrec] is 1,000" in known["sasrec"]
    assert silent["repeat"] is None  # it lists what a user has seen, which is excluded
    assert {"similar", "popular", "als"}.isdisjoint(silent)
