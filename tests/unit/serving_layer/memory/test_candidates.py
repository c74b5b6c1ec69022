"""Candidates in memory: computed once while a user's rows stand, never given for others, and bounded in bytes."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from core.ranking.columns import Columns
from core.rows.codec import History, HistoryEntry
from recommenders.port import Candidates, Ints, Question, Rated, Sums
from serving_layer.memory.candidates import ENTRY_BYTES, KeptCandidates

SUMS = cast(Sums, SimpleNamespace())


@dataclass
class OneItem:
    """Answers with the number of its calls, so that every computation differs."""

    asked: list[Question] = field(default_factory=list)

    def candidates(self, question: Question, most: int) -> Candidates:
        self.asked.append(question)
        return Candidates(Columns(np.array([len(self.asked)]), np.ones(1)))


def question(time: int = 1) -> Question:
    codes: Ints = np.array([1])
    return Question(History((HistoryEntry(b"a", 1_000, time),)), SUMS, standing=Rated(codes, 1_000 * codes))


def first(candidates: Candidates) -> int:
    return int(candidates.columns.codes[0])


def test_candidates_are_computed_once_for_the_same_rows_scorer_and_number() -> None:
    kept, scorer, same = KeptCandidates("g"), OneItem(), question()
    assert [first(kept.of(scorer, same, 10)) for _ in range(3)] == [1, 1, 1]
    assert first(kept.of(scorer, same, 20)) == 2
    assert first(kept.of(OneItem(), same, 10)) == 1
    assert len(scorer.asked) == 2


def test_rows_that_were_decoded_again_are_asked_about_again_even_if_they_say_the_same() -> None:
    kept, scorer = KeptCandidates("g"), OneItem()
    answers: list[Any] = [kept.of(scorer, question(time), 10) for time in range(200)]  # ids are given out again
    assert [first(candidates) for candidates in answers] == list(range(1, 201))


def test_the_oldest_go_where_they_take_too_much() -> None:
    kept, scorer = KeptCandidates("g", 3 * ENTRY_BYTES), OneItem()
    asked = [question(time) for time in range(5)]
    for one in asked:
        kept.of(scorer, one, 10)
    assert kept.bytes <= 3 * ENTRY_BYTES
    assert first(kept.of(scorer, asked[-1], 10)) == 5
    assert first(kept.of(scorer, asked[0], 10)) == 6
