"""What several rooms read of a generation's metrics. The metrics themselves are kept and printed as JSON, whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True)
class Gate:
    """What the gate found; as long as it has not looked, nothing is held against a generation."""

    passed: bool = True
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """``base`` names the generation whose sums it began from; ``from_before``: the lake held more than the log.

    ``rows``: by view. ``lake_version``, ``rejected_version``: of the lake's tables, as the first step left them.
    ``step_seconds``: how long each step took. A figure that was not measured, or not yet, has its default.
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
    """The metrics with their types; those that only one room knows are passed over."""
    return msgspec.convert(metrics, Measured)
