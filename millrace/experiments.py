"""``millrace experiments``: which users are served otherwise, and whether that is in effect."""

from typing import Any

import click

from adapters.records.control import read_control
from adapters.settings import load_settings
from adapters.stores.opened import batch_views
from adapters.terminal.commands import as_json, echo, print_json, reports_errors
from core.control.pinning import why_not_pinned
from core.experiments.assignment import Experiment
from schemas.control import Control


@click.group()
def experiments() -> None:
    """Shares of users who are served otherwise: the tables [experiments.NAME] of the settings."""


@experiments.command("list")
@as_json
@reports_errors
def list_(as_json: bool) -> None:
    """Show the experiments in their order, with what each changes and why it may have no effect."""
    settings = load_settings()
    control = read_control(batch_views(settings)) if settings.tried else None
    rows = [_row(tried, control) for tried in settings.tried]
    if as_json:
        print_json({"experiments": rows})
        return
    if not rows:
        echo("there are no experiments; docs/operations/experiments.md shows how to set one up")
    for row in rows:
        weights = ", ".join(f"{source} {weight:g}" for source, weight in row["weights"].items())
        does = "; ".join(filter(None, (weights, row["generation"] and f"generation {row['generation']}")))
        without = "".join(f"\n    without effect: {why}" for why in row["without_effect"])
        echo(f"{row['name']:20} {row['share']:6.1%}  {does}{without}")


def _row(tried: Experiment, control: Control | None) -> dict[str, Any]:
    own = {"name": tried.name, "share": tried.share, "weights": tried.weights, "generation": tried.generation}
    return {**own, "without_effect": _without_effect(tried, control)}


def _without_effect(tried: Experiment, control: Control | None) -> list[str]:
    """Return why the experiment's users are served, in whole or in part, as all others are; one sentence each."""
    if control is None:
        return ["nothing is published yet: run `millrace batch run`"]
    why = why_not_pinned(control, tried.generation) if tried.generation else ""
    if why:
        return [why]
    from recommenders import recommender
    from recommenders.opened import model_of

    shown = control.generation(tried.generation or control.active)
    learned = shown.metrics.get("models", {}) if shown else {}
    return [
        f"{source} has learned nothing in generation {shown.id if shown else '(empty)'}: run `millrace batch run`"
        for source, weight in tried.weights.items()
        if weight > 0 and recommender(model_of(source)).trained and not learned.get(model_of(source))
    ]
