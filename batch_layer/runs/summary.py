"""What a person wants to know of a batch run's outcome. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.metrics import Evaluation, Measured, measured


def summary(generation: Mapping[str, Any]) -> str:
    """Return a few lines about a generation as ``batch run --json`` prints it, without figures that it lacks."""
    figures = _figures(measured(generation["metrics"]))
    lines = [f"generation {generation['id']}", *(f"  {name:11} {text}" for name, text in figures)]
    return "\n".join(lines)


def _figures(run: Measured) -> Iterator[tuple[str, str]]:
    yield "events", _events(run)
    if rejected := _by_reason(run.rejected):
        yield "rejected", rejected
    rows = {name: n for name, n in run.rows.items() if n}
    if rows:
        yield "rows", ", ".join(f"{n:,} {name}" for name, n in rows.items())
    if run.model.items:
        yield "model", f"{run.model.items:,} items by {run.model.factors} factors, {run.model.engine}"
    if says := run.learned.get("says"):
        yield "blend", says
    yield from _quality(run.evaluation)
    if run.step_seconds:
        yield "took", ", ".join(f"{step} {seconds:g} s" for step, seconds in run.step_seconds.items())


def _events(run: Measured) -> str:
    sentence = f"{run.events:,}"
    if run.new_events is not None:
        sentence += f", of them {run.new_events:,} new since {run.base}"
    if run.duplicates:
        sentence += f"; {run.duplicates:,} duplicates do not count"
    if run.excess:
        sentence += f"; {run.excess:,} beyond one user's share of an item do not count in popularity and trends"
    return sentence


def _by_reason(rejected: Mapping[str, int]) -> str:
    if not rejected:
        return ""
    ordered = sorted(rejected.items(), key=lambda count: (-count[1], count[0]))
    return f"{sum(rejected.values()):,}: " + ", ".join(f"{reason} {n:,}" for reason, n in ordered)


def _quality(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    if figures := evaluation.figures():
        yield "NDCG@10", ", ".join(f"{name} {ranking.ndcg:.3f}" for name, ranking in figures.items())
