"""Each source over merged sums answers the same, however the log was cut into generation and segments.

The recompute is a ``Cohort``: it folds all events at once and knows neither stores, generations nor segments.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.stores import open_store
from core.quality.ranking_quality import Interactions
from core.ranking.features import Features
from recommenders import recommender, settings_of
from recommenders.cohort import Cohort
from recommenders.port import Floats, Question
from recommenders.traits import TRAITS, traits_of
from schemas.event import Event
from schemas.rules import Rules
from serving_layer.merged.sums import MergedSums, standing_of
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from tests.kit.small_lambda import SmallLambda, placed
from tests.kit.streams import rating_shop

RULES = Rules(history_items=6, remembered_ids=8, partitions=2, counted_per_day=2)
MOST = 1_000
REACH = list(TRAITS).index("reach")  # this and those after it say something of every item
SOURCES: dict[str, dict[str, Any]] = {
    "similar": {"shrinkage": 2.0, "step_back": 0.6},
    "similar, tempered": {"tempering": 0.3, "neighbours": 7},
    "popular": {"half_life_hours": 5.0},
    "popular, by weeks": {"half_life_hours": 168.0},
    "trending": {},
    "repeat": {"half_life_days": 1.5},
    "latest": {"hours": 12},
    "affinity": {"half_life_hours": 20.0},
}
CUTS = [(0, 900), (250, 900), (899, 900), (400, 401)]


@dataclass(frozen=True)
class Shop:
    """One log in both forms: views that merge to its first ``until`` events, and those events folded at once."""

    views: Views
    cohort: Cohort
    users: dict[str, int]


@contextmanager
def shop(batch_until: int, until: int) -> Iterator[Shop]:
    events = [replace(event, category=category_of(event.item_id)) for event in rating_shop()]
    with tempfile.TemporaryDirectory() as folder:
        batch, speed = (open_store(f"sqlite:///{Path(folder) / name}") for name in ("b.sqlite", "s.sqlite"))
        world = SmallLambda(batch, speed, RULES, placed(events, RULES))
        world.begin()
        world.run_speed(batch_until // 2)
        if batch_until:
            world.run_batch(batch_until)
        for end in (batch_until + (until - batch_until) // 3, until):
            world.run_speed(end)
        yield Shop(Views(batch, speed), *at_once(events[:until]))
        batch.close()
        speed.close()


def at_once(events: list[Event]) -> tuple[Cohort, dict[str, int]]:
    """All events as a cohort, and its codes of the users."""
    users = {user: code for code, user in enumerate(dict.fromkeys(event.user_id for event in events))}
    items = {item: code for code, item in enumerate(sorted({event.item_id for event in events}))}
    columns = [(users[e.user_id], items[e.item_id], e.weight, e.event_time) for e in events]
    user, item, weight, time = np.array(columns, np.int64).T
    names = [item.encode() for item in items]
    cohort = Cohort.of(Interactions(user, item, weight, time, len(users), len(items)), RULES, names)
    return replace(cohort, labels_of=[(category_of(item),) for item in items]), users


def category_of(item: str) -> str:
    return f"c{int(item[1:]) % 4}"


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_a_source_answers_merged_sums_as_a_recompute_over_all_events(cut: tuple[int, int]) -> None:
    with shop(*cut) as both:
        for case, given in SOURCES.items():
            name = case.partition(",")[0]
            scorer = recommender(name).open(None, replace(settings_of({})[name], **given))

            def merged(snapshot: Snapshot, user: bytes, scorer: Any = scorer) -> dict[bytes, float]:
                standing = standing_of(snapshot, user)
                return named(scorer, Question(snapshot.history(user), MergedSums(snapshot), standing=standing))

            for user, code in list(both.users.items())[::5]:
                answered = answer(both.views, lambda snapshot, user=user: merged(snapshot, user.encode()))  # type: ignore[misc]
                expected = named(scorer, both.cohort.question(code))
                if name in ("similar", "affinity"):  # which add up shares of 0 to 1 in an order of their own
                    assert answered == pytest.approx(expected, rel=1e-12), case
                else:
                    assert answered == expected, case


@pytest.mark.parametrize("cut", CUTS, ids=str)
def test_traits_of_items_are_those_of_a_recompute_over_all_events(cut: tuple[int, int]) -> None:
    with shop(*cut) as both:
        items = both.cohort.names

        def merged(snapshot: Snapshot, user: bytes) -> Floats:
            standing = standing_of(snapshot, user)
            return described(items, Question(snapshot.history(user), MergedSums(snapshot), standing=standing))

        for user, code in list(both.users.items())[::7]:
            answered = answer(both.views, lambda snapshot, user=user: merged(snapshot, user.encode()))  # type: ignore[misc]
            expected = described(items, both.cohort.question(code))
            assert answered == pytest.approx(expected, rel=1e-12)
            assert expected.any(axis=0)[REACH:].all()


def described(items: Sequence[bytes], question: Question) -> Floats:
    """The traits of all those items, which one signal lists in this order: shape (items, traits)."""
    codes, ranks = question.sums.index.codes(items), np.linspace(1, 0.1, len(items))
    known = Features(codes, np.arange(len(items)), ranks, ranks, np.array([0, len(items)]))
    return traits_of(question, known)


def named(scorer: Any, question: Question) -> dict[bytes, float]:
    codes, scores = scorer.candidates(question, MOST).columns
    names = question.sums.index.names
    return {names[code]: score for code, score in zip(codes.tolist(), scores.tolist(), strict=True)}
