"""One run of ``pictures index``: what is new is looked at, what is gone is dropped, and the index is published."""

from pathlib import Path
from typing import Any

from adapters.pictures.book import Book, open_book
from adapters.pictures.features import open_network
from adapters.pictures.index import publish
from adapters.pictures.learning import learn
from adapters.pictures.listing import Picture, listed_pictures
from adapters.settings import Settings
from adapters.terminal.progress import progress, waiting
from schemas.errors import BadInput, SettingsError


def index_pictures(settings: Settings, source: Path, named_by: str, threads: int) -> dict[str, Any]:
    """Return what became of the pictures of the source.

    Raises: BadInput: not one picture is in the index at the end.
    """
    wanted, pictured = list(listed_pictures(source, named_by)), settings.pictures
    network = open_network(pictured.model, pictured.scaling, threads)
    with open_book(settings.pictures_path, network.name) as book:
        with progress("looking at pictures", len(wanted)) as reached:
            learned = learn(wanted, network, book, threads, reached)
        gone = _gone(book, source, wanted) if source.is_dir() else []
        book.drop(gone)
        items, paths, features = book.features()
        if not items:
            why = "; ".join(f"{path}: {reason}" for _, path, reason in learned.skipped[:3])
            raise BadInput(f"{source} has no picture that can be taken{f' ({why})' if why else ''}: name another")
        with waiting("making the index"):
            made = publish(
                settings.pictures_path, network.name, items, paths, features, pictured.dimensions, pictured.distance
            )
    skipped = [{"item_id": item, "path": path, "reason": why} for item, path, why in learned.skipped]
    return {
        "pictures": len(items), "new": learned.new, "kept": learned.kept, "gone": len(gone), "skipped": skipped,
        "network": network.name, "dimensions": made.vectors.rows.shape[1],
        "exact": made.vectors.is_exact(pictured.distance),
    }  # fmt: skip


def _gone(book: Book, folder: Path, wanted: list[Picture]) -> list[str]:
    """Return the items whose pictures lay in that folder and do no longer.

    Raises: SettingsError: all would go, so the folder is rather another one than emptied.
    """
    there = {picture.item for picture in wanted}
    inside = [item for item, (path, _) in book.stamps().items() if Path(path).is_relative_to(folder.absolute())]
    gone = [item for item in inside if item not in there]
    if gone and not there:
        raise SettingsError(
            f"{folder} has no pictures any longer; delete the pictures folder of the home to start over"
        )
    return gone
