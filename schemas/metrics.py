"""The metrics of a generation that several rooms read, with types. All metrics are stored and printed as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True)
class Gate:
    """The gate's verdict; before the gate has judged, a generation passes."""

    passed: bool = True
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """The typed metrics; a figure that was not measured, or not yet, has its default.

    ``base``: the generation whose sums the run started from.      ``from_before``: the lake held more than the log.
    ``rows``: number by view.      ``step_seconds``: duration by step.
    ``lake_version``, ``rejected_version``: versions of the lake's tables as the first step left them.
    """

    mode: str = ""
    events: int = 0
    duplicates: int = 0
    base: str | None = None
    from_before: bool = False
    lake_version: int | None = None
    rejected_version: int | None = None
    rows: dict[str, int] = field(default_factory=dict)
    step_seconds: dict[str, float] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)


def measured(metrics: Mapping[str, Any]) -> Measured:
    """Return the metrics with their types; metrics that only one room knows are ignored."""
    return msgspec.convert(metrics, Measured)
