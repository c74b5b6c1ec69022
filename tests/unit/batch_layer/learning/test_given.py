"""What answers showed, and whether it was taken: read out of events, asked again, and what confidence learns of it."""

import numpy as np
import pyarrow as pa

from batch_layer.learning.asking import Question, in_process
from batch_layer.learning.given import ONE_ANSWER_MS, UNDECIDED_MS, Shown, answers, apart
from batch_layer.learning.sample import TAUGHT
from batch_layer.learning.teaching import from_walk
from core.quality.ranking_quality import Interactions
from core.ranking.blend import confidence
from core.ranking.learned import Learned
from recommenders import settings_of
from schemas.rules import Rules

START, MINUTE = 1_700_000_000_000, 60_000
QUESTION = Question(Rules(), in_process(settings_of({})), learns=("similar", "popular"))
Row = tuple[int, int, str, str | None]  # user, item, kind, source
WEIGHTS = {"impression": 0, "view": 1_000, "search": 0}


def read(rows: list[Row], minutes: list[int] | None = None, later: int = UNDECIDED_MS) -> tuple[Interactions, Shown]:
    """Return what stands of the rows, a minute apart, with one event of another user so much later."""
    rows = [*rows, (9, 9, "view", None)]
    time = np.array([*(minutes or range(len(rows) - 1)), 0], np.int64) * MINUTE + START
    time[-1] = time[:-1].max() + later
    user, item = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    weight = np.array([WEIGHTS[row[2]] for row in rows], np.int64)
    table = pa.table({"kind": [row[2] for row in rows], "source": pa.array([row[3] for row in rows], pa.string())})
    return apart(Interactions(user, item, weight, time, 10, 10), table)


def test_what_was_shown_is_taken_where_the_next_event_by_an_answer_takes_it() -> None:
    events, shown = read(
        [
            (0, 1, "impression", "similar"),
            (0, 2, "impression", "als@trial"),
            (1, 1, "impression", "similar"),
            (0, 2, "view", None),
            (0, 1, "impression", "popular"),
            (0, 1, "view", "popular"),
            (0, 2, "view", "als@trial"),
            (2, 1, "view", "popular"),
        ]
    )
    assert len(events) == 5
    assert shown.item.tolist() == [1, 2, 1, 1]
    assert shown.user.tolist() == [0, 0, 1, 0]
    assert shown.taken.tolist() == [False, True, False, True]
    assert shown.at.tolist() == [0, 0, 0, 1]


def test_only_impressions_of_recommenders_say_that_something_was_shown() -> None:
    events, shown = read([(0, 1, "impression", "banner"), (0, 2, "impression", None), (0, 3, "search", "similar")])
    assert len(events) == 1
    assert not len(shown)


def test_what_was_shown_in_the_last_hour_counts_only_if_it_was_taken_already() -> None:
    rows: list[Row] = [(0, 1, "impression", "als"), (0, 2, "impression", "als"), (0, 2, "view", "als")]
    assert read(rows, later=UNDECIDED_MS - MINUTE * 3)[1].item.tolist() == [2]


def test_items_shown_to_a_user_within_a_minute_are_one_answer() -> None:
    one, rows = ONE_ANSWER_MS // MINUTE, [(user, item, "impression", "als") for item in (1, 2) for user in (0, 1)]
    _, shown = read([*rows, (0, 3, "impression", "als")], [0, 0, one, one, 2 * one + 1])
    assert [own.item.tolist() for own in answers(shown, 0)] == [[1, 2], [1, 2], [3]]
    assert answers(shown, 1) == []


def log_with_answers(taken_share: float) -> tuple[Interactions, list[bytes], Shown]:
    """Return a log of popular things; of what answers showed, that share of the best was taken by these."""
    rng, rows = np.random.default_rng(3), list[Row]()
    for user in rng.integers(0, 200, 2_000).tolist():
        rows.append((user, int(rng.zipf(1.6)) % 60, "view", None))
        rows += [(user, item, "impression", "popular") for item in range(1, 11)]
        rows += [(user, item, "view", "popular") for item in range(1, 11) if rng.random() < taken_share]
    user, item = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    weight = np.array([WEIGHTS[row[2]] for row in rows], np.int64)
    time = START + np.arange(len(rows), dtype=np.int64) * MINUTE // 10
    columns = {"kind": [row[2] for row in rows], "source": pa.array([row[3] for row in rows], pa.string())}
    events, shown = apart(Interactions(user, item, weight, time, 200, 60), pa.table(columns))
    return events, [b"i%05d" % code for code in range(60)], shown


def test_confidence_is_what_happened_to_answers_where_enough_were_seen() -> None:
    events, names, shown = log_with_answers(0.02)
    blend = from_walk(events, names, QUESTION, shown=shown).again
    assert isinstance(blend, Learned), blend
    assert blend.facts["answers_given"] >= 1_000
    rates = [rate for _, rate in blend.knots]
    assert abs(np.mean(rates) - 0.02) < 0.01
    few = from_walk(events, names, QUESTION, shown=shown.only(np.arange(500))).again
    assert isinstance(few, Learned), few
    assert "answers_given" not in few.facts
    assert confidence(few.knots, 0.5) != confidence(blend.knots, 0.5)


def test_columns_to_learn_from_name_the_source() -> None:
    assert {"kind", "source"} <= set(TAUGHT.names)
