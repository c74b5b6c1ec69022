"""Mappings by name: those that come with Millrace, those that were saved in the home, and documents by their path."""

import re
from pathlib import Path

from core.settings.nearest import nearest
from datasets.files.output import replacing
from datasets.formats import NAMES, format_named
from datasets.mapping.document import Mapping, read_mapping, text_mapping
from schemas.errors import BadInput

FOLDER = "mappings"  # in the home
RESERVED = ("csv", "guess")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def saved_names(home: Path) -> list[str]:
    """Return the names of the mappings that were saved."""
    return sorted(path.stem for path in (home / FOLDER).glob("*.toml"))


def mapping_named(given: str, home: Path) -> Mapping:
    """Return a mapping by its name, or by the path of its document.

    Raises: BadInput when there is none, or when it is wrong.
    """
    path = Path(given)
    if path.suffix.lower() in (".toml", ".json"):
        if path.is_file():
            return read_mapping(path)
        raise BadInput(f"there is no mapping {given}: give a TOML or JSON file, or a name")
    if (home / FOLDER / f"{given}.toml").is_file() and _NAME.fullmatch(given):
        return read_mapping(home / FOLDER / f"{given}.toml")
    if given in NAMES:
        return format_named(given)
    raise BadInput(f"{given!r} is no format and no mapping: {nearest(given, [*NAMES, *RESERVED, *saved_names(home)])}")


def save(text: str, name: str, home: Path) -> Path:
    """Keep a mapping's document, TOML, under a name in the home, in the place of an earlier one.

    Raises: BadInput for a name that a format has, or that is no file's name.
    """
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a mapping: use letters, digits, - and _, at most 64")
    if name in (*NAMES, *RESERVED):
        raise BadInput(f"{name!r} is the name of a format: choose another")
    text_mapping(text, name)
    path = home / FOLDER / f"{name}.toml"
    with replacing(path) as file:
        file.write(text.encode())
    return path
