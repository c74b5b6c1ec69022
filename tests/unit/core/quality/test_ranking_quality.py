"""The time split and its measures against examples worked by hand, and a slow reading of the definitions."""

import math

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions, Judged, among_drawn, best, judged, quality, surprise, votes
from schemas.event import REMOVE


def events(*rows: tuple[int, int, int, int]) -> Interactions:
    """(user, item, weight, time) in time order."""
    user, item, weight, time = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Interactions(user, item, weight, time, int(user.max()) + 1, int(item.max()) + 1)


def random_events(seed: int, n: int = 300, users: int = 15, items: int = 25) -> Interactions:
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(0, 80, n))
    weight = rng.choice([1000, 1000, 3000, REMOVE], n)
    return Interactions(rng.integers(0, users, n), rng.integers(0, items, n), weight, time, users, items)


def test_equal_times_never_straddle_the_cut() -> None:
    given = events((0, 0, 1, 1), (0, 1, 1, 2), (0, 2, 1, 5), (0, 3, 1, 5), (0, 4, 1, 5))
    before, after = given.split(0.8)  # event 4 is of moment 5, and so are 2 and 3
    assert (before.time.tolist(), after.time.tolist()) == ([1, 2], [5, 5, 5])
    assert [len(part) for part in events((0, 0, 1, 7)).split(0.8)] == [0, 1]


def test_what_stands_is_the_greatest_weight_since_the_last_retraction() -> None:
    given = events(
        (1, 0, 5, 1), (0, 1, 2, 2), (1, 0, 3, 3), (0, 1, REMOVE, 4), (0, 0, 9, 5), (0, 0, REMOVE, 5), (0, 0, 4, 6)
    )
    assert [column.tolist() for column in given.standing()] == [[0, 1], [0, 0], [4, 5]]


def test_judged_are_users_with_something_before_and_something_new_and_known_after() -> None:
    train = events(
        (0, 0, 1, 1), (0, 1, 1, 2), (1, 1, 1, 3), (2, 2, 1, 4), (2, 0, 1, 4), (2, 0, REMOVE, 5), (9, 9, 1, 5)
    )
    test = Interactions(*(np.array(c) for c in zip(
        (0, 1, 1, 6),  # seen: not judged
        (0, 2, 1, 7), (0, 2, 1, 8),  # twice is once
        (1, 5, 1, 8),  # unknown item
        (2, 0, 1, 9),  # taken back before: new again
        (2, 1, REMOVE, 9),  # not wanted
        (3, 0, 1, 9),  # unknown user
        strict=True)), 10, 10)  # fmt: skip
    asked = judged(train, test, None)
    assert asked.users.tolist() == [0, 2]
    assert [codes.tolist() for codes in asked.wanted] == [[2], [0]]
    assert np.flatnonzero(asked.candidates).tolist() == [0, 1, 2, 9]
    assert asked.unknown == pytest.approx(1 / 4)  # user 3 was not known before: those pairs are nobody's


def test_measures_of_an_example_worked_by_hand() -> None:
    asked = Judged(
        np.array([0, 1]), [np.array([2, 3]), np.array([0])], np.array([True] * 5 + [False]), pairs((0, 4)), 0
    )
    scores = np.array([[1.0, 5, 4, 0, 9, 9], [0, 5, 4, 3, 2, 9]])
    measures = quality(asked, lambda users: scores[users], np.zeros(6))
    # user 0 is listed 1 2 0 3 (4 is seen, 5 no candidate): hits at ranks 2 and 4; user 1: 1 2 3 4 0: at rank 5
    gain = [1 / math.log2(rank + 1) for rank in range(1, 11)]
    assert measures.recall.tolist() == [1, 1]
    assert measures.ndcg == pytest.approx([(gain[1] + gain[3]) / (gain[0] + gain[1]), gain[4]])
    assert measures.hit.tolist() == [1, 1]
    assert measures.precision.tolist() == [0.2, 0.1]
    assert measures.coverage == 1
    assert measures.novelty == 0  # nobody says who touched what


def test_novelty_is_the_mean_surprise_of_what_was_listed() -> None:
    user, item = np.array([0, 1, 2, 3, 0]), np.array([0, 0, 0, 0, 1])  # item 0 by all of four users, item 1 by one
    train = Interactions(user, item, np.full(5, 1000), np.arange(5), 4, 3)
    assert surprise(train).tolist() == [0, 2, 2]
    seen, wanted = pairs((1, 0)), [np.array([1]), np.array([1])]
    asked = Judged(np.array([1, 2]), wanted, np.array([True, True, False]), seen, 0, surprise(train))
    scores = {1: [1.0, 1, 0], 2: [2.0, 0, 0]}
    measures = quality(asked, lambda users: np.array([scores[user] for user in users.tolist()]))
    assert measures.novelty == 1.0  # item 1 for one user, item 0 for the other
    assert measures.summary()["novelty"] == 1.0


def test_the_last_event_of_each_user_who_has_others_is_split_off() -> None:
    train, test = events((0, 0, 1, 1), (1, 0, 1, 2), (0, 1, 1, 3), (2, 2, 1, 4), (1, 3, 1, 5)).split_last()
    assert list(zip(train.user.tolist(), train.item.tolist(), strict=True)) == [(0, 0), (1, 0), (2, 2)]
    assert list(zip(test.user.tolist(), test.item.tolist(), strict=True)) == [(0, 1), (1, 3)]


def test_what_is_wanted_is_ranked_among_drawn_items_that_the_user_has_not_seen() -> None:
    train, test = random_events(3, n=600, users=20, items=60).split_last()
    asked = among_drawn(judged(train, test, None), 9)
    stands = set(zip(*(column.tolist() for column in train.standing()[:2]), strict=True))
    for user, wanted, among in zip(asked.users.tolist(), asked.wanted, asked.among, strict=True):
        assert among[0] == wanted[0]
        assert len(set(among.tolist())) == 10
        assert asked.candidates[among].all()
        assert not any((user, item) in stands for item in among.tolist())
    measures = quality(asked, lambda users: np.ones((len(users), 60)))
    assert measures.hit.tolist() == [1.0] * len(asked.users)  # ten items are listed, and no others


def pairs(*seen: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    user, item = zip(*seen, strict=True)
    return np.array(user), np.array(item)


def test_short_lists_fall_back_on_recent_popularity_and_ties_on_the_lower_code() -> None:
    asked = Judged(np.array([0]), [np.array([9])], np.ones(20, np.bool_), pairs((5, 0)), 0)
    scores = np.zeros((1, 20))
    scores[0, 17] = 1e-9  # any score at all is the row's maximum
    recent = np.zeros(20)
    recent[[9, 3, 4]] = 7, 5, 5
    measures = quality(asked, lambda users: scores, recent)
    assert measures.ndcg == pytest.approx(1 / math.log2(3))
    assert best(scores + recent[None, :] * 1e-20)[0].tolist() == [17, 9, 3, 4, 0, 1, 2, 5, 6, 7]


@pytest.mark.parametrize("seed", range(5))
def test_measures_equal_a_slow_reading_of_the_definitions(seed: int) -> None:
    train, test = random_events(seed).split(0.8)
    asked, popular = judged(train, test, None), votes(train)
    measures = quality(asked, lambda users: np.tile(popular, (len(users), 1)), np.zeros(train.items))
    assert len(asked.users) > 5
    stands = {(u, i) for u, i, _ in zip(*train.standing(), strict=True)}
    known = sorted(set(train.item.tolist()))
    order = sorted(known, key=lambda item: (-popular[item], item))
    for k, user in enumerate(asked.users.tolist()):
        top = [item for item in order if (user, item) not in stands][:10]
        after = {i for u, i, w in zip(test.user, test.item, test.weight, strict=True) if u == user and w > 0}
        wanted = {item for item in after if item in known and (user, item) not in stands}
        hits = [rank for rank, item in enumerate(top) if item in wanted]
        ideal = sum(1 / math.log2(rank + 2) for rank in range(min(10, len(wanted))))
        assert measures.recall[k] == pytest.approx(len(hits) / min(10, len(wanted)))
        assert measures.ndcg[k] == pytest.approx(sum(1 / math.log2(rank + 2) for rank in hits) / ideal)


def test_votes_count_distinct_users_within_the_window() -> None:
    given = events((0, 0, 1, 1), (0, 0, 1, 2), (1, 0, 1, 3), (0, 1, REMOVE, 3), (1, 2, 1, 9))
    assert votes(given).tolist() == [2, 0, 1]
    assert votes(given, 6).tolist() == [1, 0, 1]
    assert votes(given, 6, until=10).tolist() == [0, 0, 1]


def test_the_interval_holds_the_mean_and_nobody_judged_is_no_error() -> None:
    train, test = random_events(7).split(0.8)
    summary = quality(judged(train, test, None), lambda users: np.zeros((len(users), 25)), np.zeros(25)).summary()
    assert summary["ndcg@10 95 %"][0] <= summary["ndcg@10"] <= summary["ndcg@10 95 %"][1]
    assert summary["ndcg@10 95 %"][0] < summary["ndcg@10 95 %"][1]
    nobody = quality(judged(train, train.before(0), None), lambda users: np.zeros((len(users), 25)), np.zeros(25))
    assert nobody.summary()["users"] == 0
    assert nobody.summary()["ndcg@10"] == 0
