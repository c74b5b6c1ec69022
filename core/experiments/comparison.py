"""How often what was shown was taken, in each experiment and outside of all, and whether the difference can be told.

Takes per impression are compared as rates: of all takes of two groups, those of the first follow a binomial
distribution whose share depends on the ratio of the rates alone. Its exact interval (Clopper and Pearson 1934) gives
that of the ratio (Przyborowski and Wilenski 1940). Takes of one user often come together, which this interval does not
know: a difference that it can barely tell deserves more days.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from core.experiments.assignment import MARK

CONFIDENCE = 0.95
FEWEST_TAKES = 20  # of both groups together; below it no interval is shown as a finding
BETTER, WORSE, UNKNOWN = "better", "worse", "cannot tell"


class Counts(NamedTuple):
    """How many impressions and how many takes."""

    impressions: int = 0
    takes: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Return the counts of both together."""
        return Counts(self.impressions + other.impressions, self.takes + other.takes)

    @property
    def rate(self) -> float | None:
        """Takes per impression; None without impressions."""
        return self.takes / self.impressions if self.impressions else None


@dataclass(frozen=True)
class Compared:
    """One experiment against the users of none. ``ratio``: of the rates, with its interval (None: unbounded)."""

    experiment: str
    impressions: int
    takes: int
    rate: float | None
    ratio: float | None
    interval: tuple[float, float | None] | None
    verdict: str
    why: str

    def shown(self) -> dict[str, Any]:
        """Return it as a row of the insight."""
        return asdict(self)


def by_experiment(
    by_source: Mapping[str, Counts], names: Collection[str], sources: Collection[str]
) -> dict[str, Counts]:
    """Return the counts of each experiment, and under ``""`` those of recommendations outside of all.

    Args:
        by_source: counts by the ``source`` that events carry.      names: of the experiments.
        sources: the recommenders; an event that names none of them did not come from a recommendation.
    """
    groups = dict.fromkeys(["", *names], Counts())
    for text, counts in by_source.items():
        source, mark, experiment = text.partition(MARK)
        if source in sources and experiment in groups and bool(mark) == bool(experiment):
            groups[experiment] = groups[experiment].plus(counts)
    return groups


def compared(groups: Mapping[str, Counts]) -> list[Compared]:
    """Return every experiment against the group ``""``; with several, each interval is wider (Bonferroni)."""
    others = [name for name in groups if name]
    error = (1 - CONFIDENCE) / max(1, len(others))
    return [_compared(name, groups[name], groups.get("", Counts()), error) for name in others]


def _compared(name: str, ours: Counts, theirs: Counts, error: float) -> Compared:
    if not ours.impressions or not theirs.impressions:
        lacks = "of this experiment" if not ours.impressions else "outside of all experiments"
        return Compared(name, *ours, ours.rate, None, None, UNKNOWN, f"no event shows an impression {lacks}")
    low, high = ratio_interval(ours, theirs, error)
    ratio = ours.rate / theirs.rate if ours.rate is not None and theirs.rate else None
    takes = ours.takes + theirs.takes
    if takes < FEWEST_TAKES:
        verdict, why = UNKNOWN, f"{takes} takes in both groups are too few: at least {FEWEST_TAKES} are needed"
    elif low > 1:
        verdict, why = BETTER, f"takes per impression are {low:.2f} times or more of those without it"
    elif high is not None and high < 1:
        verdict, why = WORSE, f"takes per impression are {high:.2f} times or less of those without it"
    else:
        bounds = f"{low:.2f} and {'any number of' if high is None else f'{high:.2f}'} times"
        verdict, why = UNKNOWN, f"takes per impression may be between {bounds} those without it"
    return Compared(name, *ours, ours.rate, ratio, (low, high), verdict, why)


def ratio_interval(ours: Counts, theirs: Counts, error: float = 1 - CONFIDENCE) -> tuple[float, float | None]:
    """Return the interval of the ratio of the rates; the upper end is None where nothing bounds it.

    Args: ours, theirs: each with impressions.      error: how often an interval may miss the true ratio.
    """
    from scipy.special import betaincinv  # a third of a second to import

    a, b, times = ours.takes, theirs.takes, theirs.impressions / ours.impressions
    lowest = float(betaincinv(a, b + 1, error / 2)) if a else 0.0
    highest = float(betaincinv(a + 1, b, 1 - error / 2)) if b else 1.0
    return times * lowest / (1 - lowest), None if highest >= 1 else times * highest / (1 - highest)
