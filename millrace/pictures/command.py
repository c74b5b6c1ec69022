"""``millrace pictures``: the index of pictures of items, and how well it finds."""

import os
from pathlib import Path
from typing import Any

import click

from adapters.settings import load_settings
from adapters.terminal.commands import as_json, echo, print_json, reports_errors
from adapters.terminal.progress import progress
from adapters.terminal.reporting import reporter

NAMED = 20  # skipped pictures that are named on the screen; --json has all


@click.group()
def pictures() -> None:
    """Pictures of items as vectors, for `similar --by picture` and `similar-image`."""


@pictures.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--id", "named_by", type=click.Choice(("name", "path")), default="name", show_default=True,
    help="Of a folder: an item's id is the file's name, or its path from the folder, without the ending.",
)  # fmt: skip
@as_json
@reports_errors
def index(source: Path, named_by: str, as_json: bool) -> None:
    """Look at all pictures of SOURCE and publish their index.

    SOURCE is a folder, with all folders in it, or a CSV file with the columns item_id and image (a path from the
    file's folder). Only new and changed pictures are looked at, so a run that was interrupted continues where it was,
    and several sources add up. Pictures of a folder that are no longer there leave the index.
    """
    from adapters.machine.home import prepare_home
    from millrace.pictures.indexing import index_pictures

    settings = load_settings()
    prepare_home(settings.home)
    report = index_pictures(settings, source, named_by, _cores())
    if as_json:
        print_json(report)
        return
    say = reporter("pictures")
    for entry in report["skipped"][:NAMED]:
        say(f"skipped {entry['path']}: {entry['reason']}")
    more = len(report["skipped"]) - NAMED
    if more > 0:
        say(f"skipped {more:,} more; --json names all")
    echo(
        f"{report['pictures']:,} pictures in the index: {report['new']:,} new, {report['kept']:,} as before, "
        f"{report['gone']:,} gone, {len(report['skipped']):,} skipped; {report['dimensions']} numbers each, "
        f"{'exact search' if report['exact'] else 'search by cells'}"
    )


@pictures.command()
@click.argument("known", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("queries", type=click.Path(exists=True, file_okay=False, path_type=Path))
@as_json
@reports_errors
def evaluate(known: Path, queries: Path, as_json: bool) -> None:
    """Ask with each picture of QUERIES for the five nearest of KNOWN: how many are of its class?

    A class is a folder with its pictures, of the same name in both. Beside both distances a histogram of colours is
    judged, which shows what is easy.
    """
    from adapters.pictures.features import open_network
    from millrace.pictures.judging import judged, looked_at, rows_of

    pictured = load_settings().pictures
    network = open_network(pictured.model, pictured.scaling, _cores())
    with progress("looking at the pictures") as reached:
        both = [looked_at(folder, network, _cores(), reached) for folder in (known, queries)]
    report: dict[str, Any] = judged(both[0], both[1], pictured.dimensions)
    if as_json:
        print_json(report)
        return
    say = reporter("pictures")
    for path, why in [entry for looked in both for entry in looked.skipped][:NAMED]:
        say(f"skipped {path}: {why}")
    echo(f"precision@5 of {report['queries']:,} queries among {report['pictures']:,} pictures")
    echo(f"{'':24}" + "".join(f"{name:>18}" for name in report["models"]))
    for name, values in rows_of(report):
        echo(f"{name:24}" + "".join(f"{value:18.3f}" for value in values))


def _cores() -> int:
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
