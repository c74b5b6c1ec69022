"""What an evaluation's report says, for those who read it back from a generation's metrics."""

from collections.abc import Mapping
from typing import Any

BLEND = "blend"  # the ranking that serves

Report = Mapping[str, Any]


def figures(report: Report) -> dict[str, dict[str, Any]]:
    """Return the figures of every model by name, the blend last; generations of older versions have it among them."""
    blend = {BLEND: report["blend"]} if "blend" in report else {}
    return {**report.get("models", {}), **blend}


def figures_of_blend(report: Report) -> dict[str, Any]:
    """Return the figures of what serves; of nobody where nobody was judged."""
    return figures(report).get(BLEND, {"users": 0, "ndcg@10": 0.0})
