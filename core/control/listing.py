"""Generations, and runs in the making, as people are shown them. Pure."""

from typing import Any

from core.control.runs import named
from schemas.control import Control, Run
from schemas.metrics import measured


def row_of(control: Control, name: str | None) -> dict[str, Any]:
    """Return what the commands say of a generation or a run; ``name`` None: the empty generation."""
    listed = named(control, name) if name else None
    generation, run = (None, listed) if isinstance(listed, Run) else (listed, None)
    boundary = listed.boundary if listed else control.boundaries[0]
    return {
        "id": name,
        "active": control.active == name,
        "predecessor": control.predecessor == name and control.active != name,
        "held": control.held and control.active == name,
        "boundary": {str(p): offset for p, offset in boundary.offsets.items()},
        "published_at": generation.published_at if generation else None,
        "reason": listed.reason if listed else "",
        "mode": listed.measured.mode if listed else "",
        "gate": listed.metrics.get("gate", {}) if listed else {},
        "done": list(run.done) if run else None,
        "metrics": listed.metrics if listed else {},
    }


def listed_generations(control: Control) -> list[dict[str, Any]]:
    """Return the kept generations, oldest first, and those in the making; the empty one where it still counts."""
    names = [generation.id for generation in control.generations] + [run.id for run in control.runs]
    rows = [row_of(control, name) for name in (None, *names)]
    return [row for row in rows if row["id"] is not None or row["active"] or row["predecessor"]]


def mark_of(row: dict[str, Any]) -> str:
    """Return what a person should know of a generation at a glance."""
    if row["done"] is not None:
        return f"in the making, after {row['done'][-1] if row['done'] else 'boundary'}"
    refused = "; ".join(measured(row["metrics"]).gate.reasons)
    marks = ("active" if row["active"] else "previous" if row["predecessor"] else "", refused and f"refused: {refused}")
    return ", ".join(filter(None, marks))
