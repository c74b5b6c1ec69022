"""What a person wants to know of a batch run's outcome. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.ranking.report import figures

Metrics = Mapping[str, Any]


def summary(generation: Mapping[str, Any]) -> str:
    """Return a few lines about a generation as ``batch run --json`` prints it, without figures that it lacks."""
    metrics = generation["metrics"]
    lines = [f"generation {generation['id']}", *(f"  {name:11} {text}" for name, text in _figures(metrics))]
    return "\n".join(lines)


def _figures(metrics: Metrics) -> Iterator[tuple[str, str]]:
    yield "events", _events(metrics)
    if rejected := _by_reason(metrics.get("rejected", {})):
        yield "rejected", rejected
    rows = {name: n for name, n in metrics.get("rows", {}).items() if n}
    if rows:
        yield "rows", ", ".join(f"{n:,} {name}" for name, n in rows.items())
    if model := metrics.get("model"):
        yield "model", f"{model['items']:,} items by {model['factors']} factors, {model['engine']}"
    yield from _quality(metrics.get("evaluation", {}))
    if seconds := metrics.get("step_seconds"):
        yield "took", ", ".join(f"{step} {spent:g} s" for step, spent in seconds.items())


def _events(metrics: Metrics) -> str:
    sentence = f"{metrics.get('events', 0):,}"
    if "new_events" in metrics:
        sentence += f", of them {metrics['new_events']:,} new since {metrics['base']}"
    if metrics.get("duplicates"):
        sentence += f"; {metrics['duplicates']:,} duplicates do not count"
    return sentence


def _by_reason(rejected: Mapping[str, int]) -> str:
    if not rejected:
        return ""
    ordered = sorted(rejected.items(), key=lambda count: (-count[1], count[0]))
    return f"{sum(rejected.values()):,}: " + ", ".join(f"{reason} {n:,}" for reason, n in ordered)


def _quality(evaluation: Metrics) -> Iterator[tuple[str, str]]:
    if models := figures(evaluation):
        yield "NDCG@10", ", ".join(f"{name} {scores['ndcg@10']:.3f}" for name, scores in models.items())
