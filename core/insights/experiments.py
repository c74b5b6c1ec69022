"""``experiments``: whether what experiments serve is taken more often than what all other users get."""

from collections.abc import Collection

from core.experiments.comparison import UNKNOWN, Compared, Counts, by_experiment, compared
from core.insights.counters import CLICK, IMPRESSION, Counters, Kinds
from core.insights.finding import FOUND, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding, Row


def experiments(counters: Counters, names: Collection[str], sources: Collection[str], kinds: Kinds) -> Finding:
    """Compare takes (clicks and engagements) per impression.

    Args: counters: by ``source``.      names: of the experiments that are set up.      sources: the recommenders.
    """
    if not names:
        return Finding(TOO_LITTLE_DATA, "no experiment is set up: add a table `[experiments.NAME]` to the settings", [])
    takes = {CLICK} | kinds.engagements
    by_source = {
        parts[0]: Counts(counts[IMPRESSION], sum(counts[kind] for kind in takes))
        for parts, counts in counters.totals.items()
    }
    groups = by_experiment(by_source, names, sources)
    comparisons = compared(groups)
    decided = [one for one in comparisons if one.verdict != UNKNOWN]
    without = {"impressions": groups[""].impressions, "takes": groups[""].takes, "rate": groups[""].rate}
    rows, more = [_row(one) for one in comparisons], {"without": without}
    if decided:
        return Finding(FOUND, "; ".join(f"{one.experiment} is {one.verdict}: {one.why}" for one in decided), rows, more)
    if any(one.interval for one in comparisons):
        return Finding(NO_DIFFERENCE, "no difference between experiments that the data support", rows, more)
    return Finding(TOO_LITTLE_DATA, "; ".join(f"{one.experiment}: {one.why}" for one in comparisons), rows, more)


def _row(one: Compared) -> Row:
    low, high = one.interval or (None, None)
    shown = one.shown()
    del shown["interval"]
    return {**shown, "ratio": {"ratio": one.ratio, "low": low, "high": high}}
