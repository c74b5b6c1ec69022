"""The metrics of a generation that several rooms read, with types. All metrics are stored and printed as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

BLEND = "blend"  # the ranking that serves


@dataclass(frozen=True)
class Gate:
    """The gate's verdict; before the gate has judged, a generation passes."""

    passed: bool = True
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """What was learnt by ALS; ``settings``: those that differ from the configured ones, as a search found them."""

    items: int = 0
    factors: int = 0
    engine: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


class Figures(msgspec.Struct, frozen=True, rename={"ndcg": "ndcg@10"}):
    """How well one ranking predicts a held-out part: the mean over its users."""

    users: int = 0
    ndcg: float = 0.0


@dataclass(frozen=True)
class Paired:
    """NDCG@10 of the new and of the active generation on the same users.

    ``difference``: its 95 % interval, None of one user.
    """

    users: int
    new: float
    active: float
    difference: tuple[float, float] | None


@dataclass(frozen=True)
class Recipe:
    """What decides how a generation ranks besides its events: ``settings`` by recommender.

    ``learns``: the sources that its learned blend asks; none: its weights are fixed.
    """

    shrinkage: float
    settings: dict[str, dict[str, Any]]
    learns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """What was measured on held-out parts; ``popular``: names of the most popular items.

    ``blend`` is None where nobody was judged; older versions kept the blend among ``models``.
    """

    models: dict[str, Figures] = field(default_factory=dict)
    blend: Figures | None = None
    paired: Paired | None = None
    recipe: Recipe | None = None
    popular: tuple[str, ...] = ()

    def figures(self) -> dict[str, Figures]:
        """Return the figures of every ranking by name, the blend last."""
        return self.models if self.blend is None else {**self.models, BLEND: self.blend}

    def served(self) -> Figures:
        """Return the figures of what serves; of nobody where nobody was judged."""
        return self.figures().get(BLEND, Figures())


@dataclass(frozen=True)
class Measured:
    """The typed metrics; a figure that was not measured, or not yet, has its default.

    ``base``: the generation whose sums the run started from.      ``from_before``: the lake held more than the log.
    ``excess``: events beyond their users' shares in the hourly counts.
    ``new_events``: those since ``base``; None in a full run.      ``rejected``, ``new_rejected``: number by reason.
    ``rows``: number by view.      ``step_seconds``: duration by step.
    ``learned``: what was found of the learned blend; ``says`` is a sentence of it.
    ``lake_version``, ``rejected_version``: versions of the lake's tables as the first step left them.
    """

    mode: str = ""
    events: int = 0
    new_events: int | None = None
    duplicates: int = 0
    excess: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    new_rejected: dict[str, int] = field(default_factory=dict)
    base: str | None = None
    from_before: bool = False
    lake_version: int | None = None
    rejected_version: int | None = None
    rows: dict[str, int] = field(default_factory=dict)
    step_seconds: dict[str, float] = field(default_factory=dict)
    model: Model = field(default_factory=Model)
    learned: dict[str, Any] = field(default_factory=dict)
    evaluation: Evaluation = field(default_factory=Evaluation)
    gate: Gate = field(default_factory=Gate)


def measured(metrics: Mapping[str, Any]) -> Measured:
    """Return the metrics with their types; metrics that only one room knows are ignored."""
    return msgspec.convert(metrics, Measured)
