"""The insight of experiments: what was taken per impression, by the experiment that an event's ``source`` names."""

import pytest

from core.insights.counters import Counters, Kinds
from core.insights.experiments import experiments
from core.insights.finding import FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA
from core.insights.sources import sources
from core.rows.activity import SEPARATOR
from schemas.rules import DEFAULT_KINDS

KINDS, SOURCES = Kinds.of(DEFAULT_KINDS), ("als", "similar")


def counted(counts: dict[str, tuple[int, int, int]]) -> Counters:
    """Impressions, clicks and purchases by the events' source, all of one hour."""
    row = {
        SEPARATOR.join((source, kind)).encode(): count
        for source, by_kind in counts.items()
        for kind, count in zip(("impression", "click", "purchase"), by_kind, strict=True)
    }
    return Counters(range(1), {0: row})


@pytest.mark.parametrize(
    ("counts", "verdict", "says"),
    [
        ({"als": (9_000, 400, 50), "als@warm": (900, 90, 10)}, FOUND, "warm is better: takes per impression are"),
        ({"als": (9_000, 400, 50), "als@warm": (900, 10, 1)}, FOUND, "warm is worse: takes per impression are"),
        ({"als": (9_000, 400, 50), "als@warm": (900, 40, 5)}, NO_DIFFERENCE, "no difference"),
        ({"als": (9_000, 400, 50), "mail@warm": (900, 90, 9)}, TOO_LITTLE_DATA, "warm: no event shows an impression"),
    ],
)
def test_the_finding_says_what_the_data_allow(counts: dict[str, tuple[int, int, int]], verdict: str, says: str) -> None:
    finding = experiments(counted(counts), ["warm"], SOURCES, KINDS)
    assert finding.verdict == verdict
    assert finding.says.startswith(says)
    (row,) = finding.rows
    assert row["experiment"] == "warm"
    assert finding.more["without"] == {"impressions": 9_000, "takes": 450, "rate": 0.05}


def test_without_experiments_it_says_how_to_set_one_up() -> None:
    finding = experiments(counted({"als": (9, 4, 1)}), [], SOURCES, KINDS)
    assert (finding.verdict, finding.rows) == (TOO_LITTLE_DATA, [])
    assert "[experiments.NAME]" in finding.says


def test_a_source_counts_as_one_whatever_the_experiment() -> None:
    (row,) = sources(counted({"als": (600, 30, 3), "als@warm": (400, 20, 2)})).rows
    assert (row["source"], row["impressions"], row["clicks"], row["purchases"]) == ("als", 1_000, 50, 5)
