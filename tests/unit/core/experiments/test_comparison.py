"""Takes per impression of experiments: the interval holds the truth as often as it says, and too little is said so."""

import numpy as np
import pytest
from scipy.stats import binomtest

from core.experiments.comparison import BETTER, UNKNOWN, WORSE, Counts, by_experiment, compared, ratio_interval

SOURCES = ["als", "similar"]


def test_events_count_for_the_experiment_that_their_source_names() -> None:
    counts = {
        "als": Counts(10, 1), "similar": Counts(5, 2), "als@warm": Counts(7, 3), "similar@warm": Counts(1, 1),
        "als@gone": Counts(9, 9), "newsletter": Counts(8, 8), "newsletter@warm": Counts(8, 8), "als@": Counts(6, 6),
    }  # fmt: skip
    assert by_experiment(counts, ["warm", "new"], SOURCES) == {
        "": Counts(15, 3), "warm": Counts(8, 4), "new": Counts(0, 0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "said"),
    [
        (Counts(1_000, 100), Counts(10_000, 500), BETTER, "times or more"),
        (Counts(1_000, 20), Counts(10_000, 500), WORSE, "times or less"),
        (Counts(1_000, 52), Counts(10_000, 500), UNKNOWN, "may be between 0.77 and 1.39 times"),
        (Counts(100, 6), Counts(1_000, 0), UNKNOWN, "6 takes in both groups are too few: at least 20"),
        (Counts(100, 60), Counts(1_000, 0), BETTER, "times or more"),
        (Counts(100, 0), Counts(100, 30), WORSE, "0.13 times or less"),
        (Counts(0, 0), Counts(1_000, 50), UNKNOWN, "no event shows an impression of this experiment"),
        (Counts(100, 50), Counts(0, 0), UNKNOWN, "no event shows an impression outside of all experiments"),
        (Counts(0, 50), Counts(0, 50), UNKNOWN, "no event shows"),
    ],
)
def test_the_verdict_is_what_the_interval_allows(ours: Counts, theirs: Counts, verdict: str, said: str) -> None:
    (row,) = compared({"": theirs, "warm": ours})
    assert (row.experiment, row.impressions, row.takes, row.verdict) == ("warm", *ours, verdict)
    assert said in row.why


def test_the_interval_is_that_of_the_exact_binomial_share() -> None:
    share = binomtest(30, 130).proportion_ci(0.95, "exact")
    low, high = ratio_interval(Counts(1_000, 30), Counts(4_000, 100))
    assert (low, high) == pytest.approx((4 * share.low / (1 - share.low), 4 * share.high / (1 - share.high)))


def test_the_interval_holds_the_truth_at_least_as_often_as_it_says() -> None:
    chance, misses = np.random.default_rng(5), 0
    for _ in range(2_000):
        ours, theirs = chance.poisson(0.06 * 500), chance.poisson(0.04 * 3_000)
        low, high = ratio_interval(Counts(500, ours), Counts(3_000, theirs))
        misses += not (low <= 1.5 <= (high or np.inf))
    assert misses / 2_000 < 0.05


def test_several_experiments_widen_each_interval() -> None:
    alone = compared({"": Counts(9_000, 400), "a": Counts(1_000, 60)})[0]
    beside = compared({"": Counts(9_000, 400), "a": Counts(1_000, 60), "b": Counts(1_000, 60)})[0]
    assert alone.interval
    assert beside.interval
    assert beside.interval[0] < alone.interval[0]
    assert (beside.interval[1] or 0) > (alone.interval[1] or 0)
    assert alone.shown()["ratio"] == pytest.approx(1.35)
