"""``devices``: how phones differ from desktops."""

import re
from typing import NamedTuple

from core.insights.counters import Counters, Kinds, Series, joined, rate_shown
from core.insights.finding import FOUND, LEAST_OF, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding, Row, percent
from core.insights.statistics import Bounds, Rate, difference, proportion_ratio

PHONE, TABLET, DESKTOP, OTHER = "phone", "tablet", "desktop", "other"
# The first that fits decides; a user agent of a phone may name a desktop's system, too.
_CLASSES = (
    (TABLET, re.compile(r"tablet|ipad", re.I)),
    (PHONE, re.compile(r"phone|mobile|android|ios\b|\bapp\b|handset", re.I)),
    (DESKTOP, re.compile(r"desktop|\bweb\b|windows|mac|linux|\bpc\b|laptop|browser|x11", re.I)),
)
MEASURES = ("engagement", "click_through")
MOST_DIFFERENCES = 20


def class_of(device: str) -> str | None:
    """Return the class of a device; None of an event that names none."""
    return next((name for name, pattern in _CLASSES if pattern.search(device)), OTHER) if device else None


class Compared(NamedTuple):
    """One measure of phones and of desktops, in a category or (None) in all."""

    category: str | None
    measure: str
    phone: Rate
    desktop: Rate
    gap: Bounds

    @property
    def differs(self) -> bool:
        return self.gap.excludes(0)

    def shown(self) -> Row:
        return {
            "category": self.category,
            "measure": self.measure,
            "phone": rate_shown(self.phone),
            "desktop": rate_shown(self.desktop),
            "difference": self.gap.value,
            "low": self.gap.low,
            "high": self.gap.high,
            "differs": self.differs,
        }


def devices(counters: Counters, kinds: Kinds, categories: frozenset[str]) -> Finding:
    """Compare phones with desktops, in all categories and in each; ``counters``: by ``category_device``."""

    def group(parts: tuple[str, ...]) -> str | None:
        inside = not categories or parts[0] in categories
        return "\0".join(parts) if inside and class_of(parts[1]) else None

    cells = {tuple(name.split("\0")): series for name, series in counters.grouped(group).items()}
    of_class: dict[str, list[str]] = {}
    for device in sorted({device for _, device in cells}):
        of_class.setdefault(class_of(device) or OTHER, []).append(device)
    whole = {name: _joined(cells, counters, {name}) for name in of_class}
    compared = _compared(cells, counters, kinds)
    rows = _rows(whole, of_class, kinds)
    verdict, says = _said(compared)
    return Finding(verdict, says, rows, {"differences": [row.shown() for row in compared[:MOST_DIFFERENCES]]})


def _joined(
    cells: dict[tuple[str, ...], Series], counters: Counters, classes: set[str], category: str | None = None
) -> Series:
    wanted = (s for (c, d), s in cells.items() if class_of(d) in classes and category in (None, c))
    return joined(wanted, counters.hours)


def _rows(whole: dict[str, Series], devices: dict[str, list[str]], kinds: Kinds) -> list[Row]:
    total = sum(int(series.events.sum()) for series in whole.values())
    return [
        {
            "device": name,
            "devices": devices[name],
            "events": (events := int(whole[name].events.sum())),
            "share": events / total if total else None,
            "kinds": whole[name].totals,
            "engagement": rate_shown(whole[name].engagement(kinds)),
            "click_through": rate_shown(whole[name].click_through()),
        }
        for name in sorted(whole, key=lambda name: (-int(whole[name].events.sum()), name))
    ]


def _compared(cells: dict[tuple[str, ...], Series], counters: Counters, kinds: Kinds) -> list[Compared]:
    """Return the comparisons of all categories, then those of single ones, the greatest difference first."""
    names = [None, *sorted({category for category, _ in cells if category})]
    drafts = []
    for category in names:
        sides = [_joined(cells, counters, {device}, category) for device in (PHONE, DESKTOP)]
        for measure in MEASURES:
            phone, desktop = (s.engagement(kinds) if measure == MEASURES[0] else s.click_through() for s in sides)
            if min(phone.of, desktop.of) >= LEAST_OF and phone.is_share and desktop.is_share:
                drafts.append((category, measure, phone, desktop))
    out = []
    for category, measure, phone, desktop in drafts:
        gap = difference(phone, desktop, len(drafts))
        assert gap is not None
        out.append(Compared(category, measure, phone, desktop, gap))
    return sorted(out, key=lambda row: (row.category is not None, not row.differs, -abs(row.gap.value)))


def _said(compared: list[Compared]) -> tuple[str, str]:
    if not compared:
        return TOO_LITTLE_DATA, f"phones and desktops need {LEAST_OF} impressions and views each to be compared"
    differing = [row for row in compared if row.differs]
    if not differing:
        return NO_DIFFERENCE, "no difference between phones and desktops that the data support"
    first = differing[0]
    where = f" in {first.category}" if first.category else ""
    ratio = proportion_ratio(first.phone, first.desktop)
    by = f", {ratio.value:.2g} times that of desktops" if ratio else ""
    measure = first.measure.replace("_", "-")
    return FOUND, (
        f"the {measure} rate{where} is {percent(first.phone.value)} on phones and {percent(first.desktop.value)} on "
        f"desktops{by}"
    )
