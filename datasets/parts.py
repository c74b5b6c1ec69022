"""Finds the tables of a data set in a file, a .gz, a .zip or a folder, and opens them as bytes."""

import gzip
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from schemas.errors import BadInput

LISTED_NAMES = 12  # file names that an error message lists


@dataclass(frozen=True)
class Part:
    """One table; ``name`` is its file name without folders and without ``.gz``."""

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]


def main_tables(path: Path, patterns: Sequence[str]) -> list[Part]:
    """The event tables under ``path``, by name; a single plain or .gz file is taken whatever its name.

    Raises:
        BadInput: nothing is there, or nothing that matches; lists what is.
    """
    if not path.exists():
        raise BadInput(f"{path} does not exist: give a file (.csv, .gz, .zip) or a folder")
    if path.is_file() and not zipfile.is_zipfile(path):
        return [_file(path)]
    there = list(_inside(path))
    found = _matching(there, patterns)
    if not found:
        names = ", ".join(sorted(part.name for part in there)[:LISTED_NAMES]) or "nothing"
        raise BadInput(f"{path} holds no {' or '.join(patterns)}; it holds: {names}")
    return found


def side_tables(path: Path, patterns: Sequence[str]) -> list[Part]:
    """Further tables of the same data set: in the same folder or archive, or beside a single file; may be none."""
    single = path.is_file() and not zipfile.is_zipfile(path)
    return _matching(list(_inside(path.parent if single else path)), patterns)


def _matching(parts: list[Part], patterns: Sequence[str]) -> list[Part]:
    """Sorted by name; a name counts once, so ``a.csv`` beside ``a.csv.gz`` is not read twice."""
    found = {part.name: part for part in parts if any(fnmatch(part.name.lower(), each) for each in patterns)}
    return [found[name] for name in sorted(found)]


def _inside(path: Path) -> Iterator[Part]:
    if path.is_dir():
        yield from (_file(each) for each in sorted(path.iterdir()) if each.is_file() and not each.name.startswith("."))
        return
    with zipfile.ZipFile(path) as archive:
        members = [each.filename for each in archive.infolist() if not each.is_dir()]
    for member in sorted(members):
        name = Path(member).name
        if not member.startswith("__MACOSX") and not name.startswith("."):
            yield Part(_bare(name), partial(_open_member, path, member))


def _file(path: Path) -> Part:
    return Part(_bare(path.name), partial(open_file, path))


def _bare(name: str) -> str:
    return name[:-3] if name.lower().endswith(".gz") else name


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """The content of a file, plain or gzip."""
    with path.open("rb") as file, _unpacked(file) as content:
        yield content


@contextmanager
def _open_member(path: Path, member: str) -> Iterator[BinaryIO]:
    with (
        zipfile.ZipFile(path) as archive,
        archive.open(member) as packed,
        BufferedReader(cast(RawIOBase, packed)) as file,
        _unpacked(file) as content,
    ):
        yield content


def _unpacked(file: "BufferedReader[Any]") -> BinaryIO:
    """By content, not by name: a ``.csv`` that is gzip inside is common among downloads."""
    zipped = file.peek(2)[:2] == b"\x1f\x8b"
    return cast(BinaryIO, gzip.GzipFile(fileobj=file, mode="rb") if zipped else file)
