"""The command ``generate``."""

import time
from pathlib import Path
from typing import Any

import click

from adapters.terminal.commands import MOMENT, as_json, print_json, reports_errors

_EXISTING = click.Path(path_type=Path)


@click.command()
@click.option("--users", type=click.IntRange(1), default=1_000, show_default=True)
@click.option("--items", type=click.IntRange(2), default=500, show_default=True)
@click.option("--events", type=click.IntRange(1), default=100_000, show_default=True, help="Lines to write.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed and end, same bytes.")
@click.option(
    "--world",
    type=click.Choice(["shop", "pinboard"]),
    default="shop",
    show_default=True,
    help="A shop for recommendations, or a pin board for insights.",
)
@click.option("--out", type=_EXISTING, required=True, help="The events; items.jsonl and truth.json go beside it.")
@click.option("--days", type=float, default=30.0, show_default=True, help="How long before the end they begin.")
@click.option(
    "--strength", type=float, default=1.0, show_default=True, help="Of what the pin board plants; 0: nothing."
)
@click.option("--end", type=MOMENT, help="No event is later: RFC 3339 or epoch ms; default: now.")
@as_json
@reports_errors
def generate(out: Path, end: int | None, world: str, strength: float, as_json: bool, **size: Any) -> None:
    """Write synthetic events with a planted truth: clusters, trends with their onset, items bought together.

    The pin board's truth is for `millrace insights`: busy hours and weekdays, devices, sources, formats.
    """
    from adapters.terminal.progress import progress
    from datasets.synthetic.generator import GeneratorSettings, write_board, write_dataset
    from datasets.synthetic.pinboard import PinBoard

    end_ms = time.time_ns() // 1_000_000 if end is None else end
    settings: GeneratorSettings | PinBoard
    with progress("generating", size["events"]) as reached:
        if world == "shop":
            settings = GeneratorSettings(**size, end_ms=end_ms)
            write_dataset(settings, out, reached)
        else:
            settings = PinBoard(**{**size, "days": int(size["days"])}, end_ms=end_ms, strength=strength)
            write_board(settings, out, reached)
    items, truth = out.parent / "items.jsonl", out.parent / "truth.json"
    if as_json:
        counts = {"events": settings.events, "items": settings.items, "end": settings.end_ms, "seed": settings.seed}
        print_json({**counts, "out": str(out), "items_out": str(items), "truth": str(truth)})
    else:
        items_clause = f"{settings.items:,} items to {items}"
        click.echo(f"wrote {settings.events:,} events to {out}, {items_clause}, the truth to {truth}")
