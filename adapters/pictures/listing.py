"""Which file is the picture of which item: a folder of files, or a CSV file that says so."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from adapters.pictures.opening import ENDINGS
from core.events.fields import identifier
from schemas.errors import SettingsError

NAME, PATH = "name", "path"
IMAGE_COLUMNS = ("image", "path", "file")


class Picture(NamedTuple):
    """A picture that is wanted. ``why_not``: why it cannot be anybody's; empty where it can."""

    item: str
    path: Path
    why_not: str = ""


def listed_pictures(source: Path, named_by: str = NAME) -> Iterator[Picture]:
    """Yield the pictures of a folder, with all folders in it, or of a CSV file, by path or in the file's order.

    Args: named_by: in a folder an item's id is the file's ``name`` or its ``path`` from the folder, without the ending.
    Raises: SettingsError: it is neither, or the file has no such columns.
    """
    if source.is_dir():
        entries = _of_folder(source, named_by)
    elif source.is_file():
        entries = _of_csv(source)
    else:
        raise SettingsError(f"there is no {source}: name a folder of pictures, or a CSV file with item_id,image")
    taken: dict[str, Path] = {}
    for item, path in entries:
        if identifier(item) is None:
            yield Picture(item, path, "its item's id is empty, too long or has control characters")
        elif item in taken:
            other = f"{taken[item]} is the picture of item {item!r} already"
            yield Picture(item, path, other + ("; try --id path" if source.is_dir() and named_by == NAME else ""))
        else:
            taken[item] = path
            yield Picture(item, path)


def _of_folder(folder: Path, named_by: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.is_file():
            inner = path.relative_to(folder).with_suffix("")
            yield (inner.as_posix() if named_by == PATH else inner.name), path


def _of_csv(file: Path) -> Iterator[tuple[str, Path]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            names = [name for name in rows.fieldnames or () if name]
            column = next((name for name in IMAGE_COLUMNS if name in names), None)
            if "item_id" not in names or column is None:
                what = "the columns item_id and image, with a path from the file's folder"
                raise SettingsError(f"{file} needs {what}; it has {', '.join(names) or 'none'}")
            for row in rows:
                yield row["item_id"] or "", file.parent / (row[column] or "")
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{file} is no CSV file in UTF-8: {error}") from None
