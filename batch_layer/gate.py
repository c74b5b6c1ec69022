"""Whether a generation may serve: against the active one in size and quality, and by its own sampled sums. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Metrics = Mapping[str, Any]  # as in Generation.metrics
JUDGED_BY = "blend"  # the ranking that serves
SIZES = {"items": "items", "history": "users"}  # rows of a view -> what they are


@dataclass(frozen=True)
class Limits:
    """By which shares a generation may fall behind the active one, and how many judged users make that comparable."""

    margin: float
    users: int
    shrink: float


def refusals(
    new: Metrics, active: Metrics | None, same_rules: bool, mismatches: Sequence[str], limits: Limits
) -> list[str]:
    """Why the generation must not be activated; empty when it may be. The first one is compared with nothing.

    Args: same_rules: whether kinds, weights and the like are the active one's: else only its events are compared.
    """
    wrong = [f"sums differ from the slow recompute, first: {mismatches[0]}"] if mismatches else []
    if active is None:
        return wrong
    return [*wrong, *_sizes(new, active, same_rules, limits), *(_quality(new, active, limits) if same_rules else [])]


def _sizes(new: Metrics, active: Metrics, same_rules: bool, limits: Limits) -> list[str]:
    found = {"events": (new.get("events", 0), active.get("events", 0))}
    if same_rules:
        before, after = active.get("rows", {}), new.get("rows", {})
        found |= {name: (after.get(view, 0), before[view]) for view, name in SIZES.items() if view in before}
    return [
        f"it holds {now:,} {what}, the active one {before:,}: fewer by more than gate_shrink {limits.shrink:g}"
        for what, (now, before) in found.items()
        if now < before * (1 - limits.shrink)
    ]


def _quality(new: Metrics, active: Metrics, limits: Limits) -> list[str]:
    now, before = _judged(new), _judged(active)
    if min(now["users"], before["users"]) < max(1, limits.users):
        return []
    fallen = now["ndcg@10"] < before["ndcg@10"] * (1 - limits.margin)
    told = f"NDCG@10 on its own time split fell from {before['ndcg@10']:.4f} to {now['ndcg@10']:.4f}"
    return [f"{told}: by more than gate_margin {limits.margin:g}"] if fallen else []


def _judged(metrics: Metrics) -> Metrics:
    nobody = {"users": 0, "ndcg@10": 0.0}
    found: Metrics = metrics.get("evaluation", {}).get("models", {}).get(JUDGED_BY, nobody)
    return found
