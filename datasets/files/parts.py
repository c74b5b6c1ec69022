"""Finds the tables of a data set in a file, an archive (.zip, .tar) or a folder, packed or not, and opens them."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn, cast

from datasets.files.unpacking import bare, is_tar, unpacked
from schemas.errors import BadInput

PARQUET = ".parquet"
DEEPEST = 3  # folders below the one that is given: year, month, day
LISTED_NAMES = 12  # file names that an error message lists


class Opened(NamedTuple):
    """A table's content, and how far its packed file has been read, in bytes."""

    content: "io.BufferedReader[Any]"
    position: Callable[[], int]


@dataclass(frozen=True)
class Part:
    """One table; ``name`` is its place below what was given, without ``.gz``; ``size`` its packed bytes."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[Opened]]


Note = Callable[[str], None]


def main_tables(path: Path, patterns: Sequence[str], table: str = "", note: Note = lambda what: None) -> list[Part]:
    """Return the event tables under ``path``, by name; a single plain or packed file is taken whatever its name.

    The folders in a folder are read only where it holds no such table itself.

    Args:
        table: a name or pattern that takes the place of ``patterns``.
        note: called for each file that is there more than once, and for each folder that is not read.
    Raises:
        BadInput: the path does not exist, is no file or folder, or holds no table that matches; lists what it holds.
    """
    if not path.exists():
        raise BadInput(f"{path} does not exist: give a file (.csv, .gz, .zip) or a folder")
    if not (path.is_file() or path.is_dir()):
        raise BadInput(f"{path} is no regular file: write what it yields to a file first")
    there = list(_inside(path) if _holds_many(path) else [_file(path)])
    if not _holds_many(path) and not table:
        return there
    wanted = [table] if table else patterns
    if path.is_dir() and not any(_matches(part.name, wanted) for part in there) and (below := list(_below(path))):
        return _matching(below, wanted, note) or _none_of(wanted, path, below)
    tables = _matching(there, wanted, note)
    if not tables:
        _none_of(wanted, path, there)
    if path.is_dir() and not table:
        for entry in sorted(path.iterdir()):
            if entry.is_dir() and not entry.name.startswith("."):
                note(f"{entry.name} left out, it is a folder")
    return tables


def _none_of(wanted: Sequence[str], path: Path, there: Sequence[Part]) -> NoReturn:
    names = ", ".join(sorted(part.name for part in there)[:LISTED_NAMES]) or "nothing"
    raise BadInput(f"{path} holds no {' or '.join(wanted)}; it holds: {names}; --table chooses")


def other_tables(path: Path, patterns: Sequence[str]) -> list[str]:
    """Return the names of files below ``path`` that match none of the patterns; none for a single file."""
    names = {part.name for part in _inside(path)} if _holds_many(path) else set()
    return sorted(name for name in names if not _matches(name, patterns))


def side_tables(path: Path, patterns: Sequence[str]) -> list[Part]:
    """Return the further tables of a data set, in the same folder or archive or beside a single file; possibly none."""
    return _matching(list(_inside(path if _holds_many(path) else path.parent)), patterns)


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """Provide the content of a file, unpacked if it is packed."""
    with path.open("rb") as file:
        yield unpacked(file)


def _holds_many(path: Path) -> bool:
    return path.is_dir() or zipfile.is_zipfile(path) or _is_tar(path)


def _is_tar(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            return is_tar(unpacked(file))
        except EOFError:
            return False


def _matching(parts: list[Part], patterns: Sequence[str], note: Note = lambda what: None) -> list[Part]:
    """Return matches by name; a name counts once in its folder, so ``a.csv`` beside ``a.csv.gz`` is not read twice."""
    by_name: dict[str, Part] = {}
    for part in parts:
        if not _matches(part.name, patterns):
            continue
        if part.name in by_name:
            note(f"{part.name} is there more than once, the first is read")
        by_name.setdefault(part.name, part)
    return sorted(by_name.values(), key=lambda part: (Path(part.name).name, part.name))


def _matches(path: str, patterns: Sequence[str]) -> bool:
    """Return whether one of the patterns matches a file's name, with or without its folders.

    A table that was made a Parquet file of goes by the name that it had.
    """
    plain = path.lower()
    if plain.endswith(PARQUET):
        plain = plain.removesuffix(PARQUET)
        return any(_matches(plain + ending, patterns) for ending in (".csv", ".tsv")) or _fits(path, patterns)
    return _fits(path, patterns)


def _fits(path: str, patterns: Sequence[str]) -> bool:
    names = (Path(path).name.lower(), path.lower())
    return any(fnmatch(name, pattern.lower()) for pattern in patterns for name in names)


def _inside(path: Path) -> Iterator[Part]:
    if path.is_dir():
        files = (entry for entry in sorted(path.iterdir()) if entry.is_file())
        yield from (_file(file) for file in files if not file.name.startswith("."))
    elif zipfile.is_zipfile(path):
        yield from _zip_members(path)
    else:
        yield from _tar_members(path)


def _below(path: Path) -> Iterator[Part]:
    """Yield the files in the folders below a folder, as programs write a table in parts: ``day=2025-10-07/part-0``."""
    for folder, inner, files in os.walk(path):
        deep = len(Path(folder).relative_to(path).parts) >= DEEPEST
        inner[:] = [] if deep else sorted(name for name in inner if not name.startswith((".", "_")))
        for file in (Path(folder, name) for name in sorted(files) if not name.startswith((".", "_"))):
            if file.is_file():
                yield replace(_file(file), name=bare(str(file.relative_to(path))))


def _file(path: Path) -> Part:
    return Part(bare(path.name), path.stat().st_size, partial(_open_plain, path))


def _is_ours(member: str) -> bool:
    return not member.startswith("__MACOSX") and not Path(member).name.startswith(".")


def _zip_members(path: Path) -> Iterator[Part]:
    with zipfile.ZipFile(path) as archive:
        members = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
    if any(member.filename == "xl/workbook.xml" for member in members):
        raise BadInput(f"{path} is a spreadsheet: save the table as CSV")
    for member in filter(lambda member: _is_ours(member.filename), members):
        yield Part(bare(member.filename), member.compress_size, partial(_open_zip_member, path, member))


def _tar_members(path: Path) -> Iterator[Part]:
    size = path.stat().st_size
    try:
        with open_file(path) as content, tarfile.open(fileobj=content, mode="r|") as archive:
            members = sorted(info.name for info in archive if info.isfile() and _is_ours(info.name))
    except (tarfile.TarError, EOFError) as error:
        raise BadInput(f"{path} is a damaged tar archive: {error}") from None
    yield from (Part(bare(name), size, partial(_open_tar_member, path, name)) for name in members)


@contextmanager
def _open_plain(path: Path) -> Iterator[Opened]:
    with path.open("rb") as file:
        yield Opened(unpacked(file), file.tell)


@contextmanager
def _open_zip_member(path: Path, member: zipfile.ZipInfo) -> Iterator[Opened]:
    with zipfile.ZipFile(path) as archive:
        try:
            packed = archive.open(member)
        except (RuntimeError, NotImplementedError) as error:  # a password, a method of packing
            raise BadInput(f"{path}: {error}; unpack it and give the folder") from None
        with packed, io.BufferedReader(cast(io.RawIOBase, packed)) as file:
            start = archive.fp.tell() if archive.fp else 0
            yield Opened(unpacked(file), lambda: (archive.fp.tell() if archive.fp else start) - start)


@contextmanager
def _open_tar_member(path: Path, member: str) -> Iterator[Opened]:
    """Read the archive up to the member: a packed tar has no index."""
    with path.open("rb") as file, tarfile.open(fileobj=unpacked(file), mode="r|") as archive:
        for info in archive:
            if info.name == member:
                content = cast(io.RawIOBase, archive.extractfile(info))
                with io.BufferedReader(content) as buffered:
                    yield Opened(unpacked(buffered), file.tell)
                return
