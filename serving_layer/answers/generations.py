"""The kept generations as a page shows them, and which of them serves."""

from dataclasses import replace
from typing import Any

from adapters.records.control import change_control, read_control
from core.control.changes import rollback
from core.control.listing import listed_generations
from schemas.control import Control
from schemas.errors import BadInput, NotReady
from schemas.metrics import measured
from serving_layer.reading.views import Views


def generations(views: Views) -> dict[str, Any]:
    """Return the kept generations, oldest first, and those in the making, with the figures that are compared."""
    control = _control(views)
    return {**_standing(control), "generations": [_row(row) for row in listed_generations(control)]}


def activate(views: Views, target: str | None) -> dict[str, Any]:
    """Make a kept generation active and hold it (rule 12); None: the one before. Raises BadInput: it cannot serve."""
    control = _control(views)
    if target is None and control.active is None:
        raise BadInput("there is nothing to roll back from: no generation was published yet")
    name = target or control.predecessor
    return _standing(change_control(views.batch, lambda newest: rollback(newest, name)))


def release(views: Views) -> dict[str, Any]:
    """Let scheduled runs activate their generations again."""
    _control(views)
    return _standing(change_control(views.batch, lambda newest: replace(newest, held=False)))


def _control(views: Views) -> Control:
    control = read_control(views.batch)
    if control is None:
        raise NotReady("nothing ran yet: run `millrace batch run` or `millrace up`")
    return control


def _standing(control: Control) -> dict[str, Any]:
    return {
        "active": control.active, "predecessor": control.predecessor, "held": control.held, "refused": control.refused,
    }  # fmt: skip


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a generation without the metrics that only programs read."""
    figures = measured(row["metrics"])
    rankings = {name: {"users": one.users, "ndcg@10": one.ndcg} for name, one in figures.evaluation.figures().items()}
    gate = {"passed": figures.gate.passed, "reasons": figures.gate.reasons, "warnings": figures.gate.warnings}
    kept = {name: value for name, value in row.items() if name not in ("metrics", "gate")}
    return {
        **kept, "gate": gate, "events": figures.events, "new_events": figures.new_events, "rows": figures.rows,
        "duplicates": figures.duplicates, "step_seconds": figures.step_seconds, "rankings": rankings,
    }  # fmt: skip
