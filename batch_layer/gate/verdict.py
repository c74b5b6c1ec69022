"""Whether a generation may serve: by its own sampled sums, and against the active one in size and quality. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.control.schedule import REFUSED
from schemas.errors import MillraceError
from schemas.metrics import Measured

SIZES = {"items": "items", "history": "users"}  # rows of a view -> what they are


class Refused(MillraceError):
    """The gate let a generation be kept, but not become the active one."""

    outcome = REFUSED


@dataclass(frozen=True)
class Limits:
    """By which shares a generation may fall behind the active one, and how many judged users make that comparable."""

    margin: float
    users: int
    shrink: float


@dataclass(frozen=True)
class Case:
    """What is known of a generation besides its metrics.

    ``same_rules``: whether kinds, weights and the like are the active one's: else only its events are compared.
    ``mismatches``: sums that differ from the slow recompute. ``forgets``: how many marks of forgotten users it puts
    into effect; ``erased``: how many events it leaves out for them and the active one has.
    """

    same_rules: bool = True
    mismatches: Sequence[str] = ()
    forgets: int = 0
    erased: int = 0


@dataclass(frozen=True)
class Verdict:
    """Why a generation must not be activated, which reasons were overruled, and what changed in the data."""

    reasons: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def shown(self, passed: bool) -> dict[str, Any]:
        """Return the verdict as the generation's metrics keep it."""
        more = {"overruled": list(self.overruled), "warnings": list(self.warnings)}
        return {"passed": passed, "reasons": list(self.reasons)} | {
            name: value for name, value in more.items() if value
        }


def verdict(new: Measured, active: Measured | None, case: Case, limits: Limits) -> Verdict:
    """Return what the gate finds. The first generation is compared with none.

    One that forgets users is activated whatever its quality: the law demands the erasure, and a ranking must not delay
    it. Wrong sums and lost events still keep it from serving, as what it holds would be false.
    """
    wrong = [f"sums differ from the slow recompute, first: {case.mismatches[0]}"] if case.mismatches else []
    if active is None:
        return Verdict(tuple(wrong))
    quality = _quality(new, limits) if case.same_rules else []
    warnings = _drifted(new, active, limits) if case.same_rules and not quality else []
    reasons = [*wrong, *_sizes(new, active, case, limits)]
    if case.forgets:
        return Verdict(tuple(reasons), tuple(quality), tuple(warnings))
    return Verdict((*reasons, *quality), (), tuple(warnings))


def _sizes(new: Measured, active: Measured, case: Case, limits: Limits) -> list[str]:
    """Return reasons for events, items and users that are gone, unless they left with a forgotten user."""
    sizes = {"events": (new.events, active.events - case.erased)}
    if case.same_rules and not case.forgets:
        kept = ((name, view) for view, name in SIZES.items() if view in active.rows)
        sizes |= {name: (new.rows.get(view, 0), active.rows[view]) for name, view in kept}
    less = f" less {case.erased:,} of forgotten users" if case.erased else ""
    return [
        f"it holds {now:,} {what}, the active one {before:,}{less}: fewer by more than gate_shrink {limits.shrink:g}"
        for what, (now, before) in sizes.items()
        if now < before * (1 - limits.shrink)
    ]


def _quality(new: Measured, limits: Limits) -> list[str]:
    """Return a reason if it ranks worse than the active one on the same question, beyond margin and chance."""
    pair = new.evaluation.paired
    if pair is None or pair.difference is None or pair.users < max(1, limits.users):
        return []
    low, high = pair.difference
    if pair.new >= pair.active * (1 - limits.margin) or high >= 0:
        return []
    return [
        f"NDCG@10 on the active generation's held-out part is {pair.new:.4f}, the active one's {pair.active:.4f} "
        f"({pair.users:,} users, difference {low:+.4f} to {high:+.4f}): worse by more than gate_margin "
        f"{limits.margin:g}"
    ]


def _drifted(new: Measured, active: Measured, limits: Limits) -> list[str]:
    """Return a warning if the model is no worse but the data have become harder to predict."""
    now, before = new.evaluation.served(), active.evaluation.served()
    if min(now.users, before.users) < max(1, limits.users):
        return []
    if now.ndcg >= before.ndcg * (1 - limits.margin):
        return []
    return [
        f"NDCG@10 on its own time split fell from {before.ndcg:.4f} to {now.ndcg:.4f}, where the model is "
        "no worse on the same question: the data changed. Look for robots or a broken client among the newest events "
        "(`millrace evaluate`, `millrace trending`); new tastes need nothing"
    ]
