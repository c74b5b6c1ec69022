"""The command ``similar-image``, and ``similar --by picture``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adapters.settings import load_settings
from adapters.terminal.commands import as_json, echo, print_json, reports_errors
from adapters.terminal.waiting import Prefix, waits
from schemas.errors import BadInput, NotReady, SettingsError
from serving_layer.looking_up import looked_up, paged

if TYPE_CHECKING:
    from adapters.pictures.index import PictureIndex
    from serving_layer.merged.pages import Page

DISTANCE = click.option("--distance", type=click.Choice(("cosine", "euclidean")), help="Default: the setting.")


@click.command("similar-image")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Draw query and results as a PNG file.")
@DISTANCE
@waits
@as_json
@reports_errors
@paged
def similar_image(
    file: Path, out: Path | None, distance: str | None, as_json: bool, prefix: Prefix, page: "Page"
) -> None:
    """Items whose pictures look like FILE, nearest first; of what `millrace pictures index` has seen."""
    from adapters.pictures.opening import BadPicture
    from serving_layer.pictures.answers import like_features, like_features_alone
    from serving_layer.pictures.eye import Eye

    eye, page = Eye(load_settings()), top(page)
    try:
        index, features = eye.look(file)
    except BadPicture as error:
        raise BadInput(f"{file}: {error}") from None
    by = distance or eye.distance
    try:
        answer, about = looked_up(lambda snapshot: like_features(snapshot, index, features, page, by), prefix)
    except NotReady:
        if page.narrowed or page.offset or prefix[0]:
            raise
        answer, about = like_features_alone(index, features, page.n, by), {}
    if out is not None:
        _draw(out, index, file, answer["items"])
    if as_json:
        print_json(answer)
        return
    show_like(f"looks like {file.name}", answer, about)
    if out is not None:
        echo(f"drawn in {out}")


def top(page: "Page") -> "Page":
    """Return the page with as many rows as questions by picture list, where the command did not say how many."""
    from dataclasses import replace

    from serving_layer.pictures.answers import TOP

    given = click.get_current_context().get_parameter_source("n")
    return replace(page, n=TOP) if given is click.core.ParameterSource.DEFAULT else page


def similar_by_picture(item: bytes, page: "Page", prefix: Prefix, as_json: bool) -> None:
    """Print the items whose pictures look like the item's."""
    from serving_layer.pictures.answers import like_item
    from serving_layer.pictures.eye import Eye

    eye = Eye(load_settings())
    index, shown = eye.index(), top(page)
    answer, about = looked_up(lambda snapshot: like_item(snapshot, index, item, shown, eye.distance), prefix)
    if as_json:
        print_json(answer)
    else:
        show_like(f"looks like {item.decode()}", answer, about)


def show_like(title: str, answer: dict[str, Any], about: dict[str, Any]) -> None:
    """Print an answer by pictures as a table."""
    from serving_layer.tables import ITEM, number, show
    from serving_layer.tables import about as described

    show(
        f"{title} (of {answer['pictures']:,} pictures)",
        answer,
        answer["items"],
        [ITEM, number("score"), *described(about)],
    )


def _draw(out: Path, index: "PictureIndex", query: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the contact sheet; ``out`` appears whole or not at all."""
    from adapters.pictures.sheet import Shown, contact_sheet

    paths = [Path(index.paths[index.places[row["item_id"]]]) for row in rows]
    results = [Shown(path, row["item_id"], f"{row['score']:.3f}") for path, row in zip(paths, rows, strict=True)]
    drawn = contact_sheet([Shown(query, query.name, "the query"), *results])
    new = out.with_name(f"{out.name}.new")
    try:
        new.write_bytes(drawn)
        new.replace(out)
    except OSError as error:
        raise SettingsError(f"cannot write {out}: {error.strerror}; name another file") from None
