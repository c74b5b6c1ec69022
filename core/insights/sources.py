"""``sources``: which recommendation source performs best, by the events that name one."""

from core.experiments.assignment import MARK
from core.insights.counters import CLICK, IMPRESSION, PURCHASE, SAVE, Counters, Series, rate_shown
from core.insights.finding import FOUND, LEAST_OF, NO_DIFFERENCE, TOO_LITTLE_DATA, Finding, Row, percent
from core.insights.ranked_rates import ends_of


def sources(counters: Counters) -> Finding:
    """Compare the click-through of the sources; ``counters``: by ``source``."""
    series = counters.grouped(lambda parts: parts[0].partition(MARK)[0] or None)  # whatever the experiment
    rates = {name: one.click_through() for name, one in series.items()}
    order = sorted(rates, key=lambda name: (-(rates[name].value or 0), name))
    ends = ends_of(rates)
    more = {"best": ends.highest}
    rows = [_row(name, series[name]) for name in order]
    if not series:
        return Finding(
            TOO_LITTLE_DATA,
            "no event of this range names the recommendation source that led to it: send it as the field `source`",
            rows,
            more,
        )
    if ends.compared < 2:
        says = f"fewer than two sources have {LEAST_OF} impressions with clicks to compare"
        return Finding(TOO_LITTLE_DATA, says, rows, more)
    if not ends.differs:
        return Finding(NO_DIFFERENCE, "no difference between sources that the data support", rows, more)
    best = ends.highest
    says = (
        f"{best} performs best: {percent(rates[best].value)} of its impressions are clicked"
        if best
        else f"sources differ, but the data cannot tell {order[0]} from the next one"
    )
    return Finding(FOUND, says, rows, more)


def _row(name: str, series: Series) -> Row:
    totals = series.totals
    return {
        "source": name,
        "impressions": totals.get(IMPRESSION, 0),
        "clicks": totals.get(CLICK, 0),
        "saves": totals.get(SAVE, 0),
        "purchases": totals.get(PURCHASE, 0),
        "click_through": rate_shown(series.click_through()),
        "save_rate": rate_shown(series.rate([SAVE], [IMPRESSION])),
        "purchase_rate": rate_shown(series.rate([PURCHASE], [IMPRESSION])),
    }
