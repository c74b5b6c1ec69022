"""``formats``: which tags of items get most saves and shares per view."""

from collections.abc import Iterable, Mapping

import numpy as np

from core.insights.counters import SAVE, SHARE, VIEW, rate_shown, ratio_shown
from core.insights.finding import FOUND, LEAST_OF, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding, Row, times
from core.insights.statistics import Bounds, Rate, design_effect, proportion_ratio

Item = str
Counts = Mapping[str, int]
MOST_FORMATS = 50


def formats(counts: Mapping[Item, Counts], tags: Mapping[Item, Iterable[str]]) -> Finding:
    """Compare each tag with all other items.

    Args: counts: by kind, of each item.      tags: of each item, by its record.
    """
    of_tag: dict[str, set[Item]] = {}
    for item in counts:
        for tag in tags.get(item, ()):
            of_tag.setdefault(tag, set()).add(item)
    frequent = sorted(of_tag, key=lambda tag: (-len(of_tag[tag]), tag))[:MOST_FORMATS]
    views = {tag: sum(counts[item].get(VIEW, 0) for item in of_tag[tag]) for tag in frequent}
    compared = [tag for tag in frequent if views[tag] >= LEAST_OF]
    ratios = {tag: _against_others(counts, of_tag[tag], len(compared)) for tag in compared}
    rows = [_row(tag, of_tag[tag], counts, ratios.get(tag)) for tag in frequent]
    rows.sort(key=lambda row: (-(row["ratio"]["ratio"] or 0), row["format"]))
    sure = [(ratio.value, tag) for tag, ratio in ratios.items() if ratio is not None and ratio.low > 1]
    best = max(sure)[1] if sure else None
    return Finding(*_said(best, ratios), rows, {"best": best})


def _against_others(counts: Mapping[Item, Counts], own: set[Item], comparisons: int) -> Bounds | None:
    """Return the ratio of saves and shares per view to that of all other items; items, not events, are independent."""
    others = counts.keys() - own
    return proportion_ratio(_passed_on(counts, own), _passed_on(counts, others), comparisons)


def _passed_on(counts: Mapping[Item, Counts], items: Iterable[Item]) -> Rate:
    table = np.array(
        [(counts[i].get(SAVE, 0) + counts[i].get(SHARE, 0), counts[i].get(VIEW, 0)) for i in items], np.int64
    ).reshape(-1, 2)
    return Rate(int(table[:, 0].sum()), int(table[:, 1].sum()), design_effect(table[:, 0], table[:, 1]))


def _row(tag: str, items: set[Item], counts: Mapping[Item, Counts], ratio: Bounds | None) -> Row:
    views, saves, shares = (sum(counts[item].get(kind, 0) for item in items) for kind in (VIEW, SAVE, SHARE))
    return {
        "format": tag,
        "items": len(items),
        "views": views,
        "saves": saves,
        "shares": shares,
        "save_rate": rate_shown(Rate(saves, views)),
        "share_rate": rate_shown(Rate(shares, views)),
        "ratio": ratio_shown(ratio),
    }


def _said(best: str | None, ratios: Mapping[str, Bounds | None]) -> tuple[str, str]:
    known = {tag: ratio for tag, ratio in ratios.items() if ratio is not None}
    if not known:
        return TOO_LITTLE_DATA, f"no tag of items in the catalogue has {LEAST_OF} views with saves or shares to compare"
    if best is None:
        return NO_DIFFERENCE, "no tag is saved and shared more than the others, as far as the data can tell"
    return FOUND, f"items tagged {best} are saved and shared {times(known[best].value)} as often per view as all others"
