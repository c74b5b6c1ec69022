"""Finds the tables of a data set in a file, an archive (.zip, .tar) or a folder, packed or not, and opens them."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from datasets.unpacking import bare, is_tar, unpacked
from schemas.errors import BadInput

LISTED_NAMES = 12  # file names that an error message lists


class Opened(NamedTuple):
    """A table's content, and how far its packed file has been read, in bytes."""

    content: "io.BufferedReader[Any]"
    position: Callable[[], int]


@dataclass(frozen=True)
class Part:
    """One table; ``name`` is its file name without folders and without ``.gz``; ``size`` its packed bytes."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[Opened]]


def main_tables(path: Path, patterns: Sequence[str], table: str = "") -> list[Part]:
    """The event tables under ``path``, by name; a single plain or packed file is taken whatever its name.

    Args:
        table: a name or pattern that takes the place of ``patterns``.
    Raises:
        BadInput: nothing is there, or nothing that matches; lists what is.
    """
    if not path.exists():
        raise BadInput(f"{path} does not exist: give a file (.csv, .gz, .zip) or a folder")
    there = list(_inside(path) if _holds_many(path) else [_file(path)])
    if not _holds_many(path) and not table:
        return there
    found = _matching(there, [table] if table else patterns)
    if not found:
        names = ", ".join(sorted(part.name for part in there)[:LISTED_NAMES]) or "nothing"
        raise BadInput(f"{path} holds no {table or ' or '.join(patterns)}; it holds: {names}; --table chooses")
    return found


def side_tables(path: Path, patterns: Sequence[str]) -> list[Part]:
    """Further tables of the same data set: in the same folder or archive, or beside a single file; may be none."""
    return _matching(list(_inside(path if _holds_many(path) else path.parent)), patterns)


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """The content of a file, unpacked if it is packed."""
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


def _matching(parts: list[Part], patterns: Sequence[str]) -> list[Part]:
    """Sorted by name; a name counts once, so ``a.csv`` beside ``a.csv.gz`` is not read twice."""
    wanted = [pattern.lower() for pattern in patterns]
    found = {part.name: part for part in parts if any(fnmatch(part.name.lower(), each) for each in wanted)}
    return [found[name] for name in sorted(found)]


def _inside(path: Path) -> Iterator[Part]:
    if path.is_dir():
        yield from (_file(each) for each in sorted(path.iterdir()) if each.is_file() and not each.name.startswith("."))
    elif zipfile.is_zipfile(path):
        yield from _zip_members(path)
    else:
        yield from _tar_members(path)


def _file(path: Path) -> Part:
    return Part(bare(path.name), path.stat().st_size, partial(_open_plain, path))


def _is_ours(member: str) -> bool:
    return not member.startswith("__MACOSX") and not Path(member).name.startswith(".")


def _zip_members(path: Path) -> Iterator[Part]:
    with zipfile.ZipFile(path) as archive:
        members = sorted((each for each in archive.infolist() if not each.is_dir()), key=lambda each: each.filename)
    if any(each.filename == "xl/workbook.xml" for each in members):
        raise BadInput(f"{path} is a spreadsheet: save the table as CSV")
    for member in filter(lambda each: _is_ours(each.filename), members):
        name = bare(Path(member.filename).name)
        yield Part(name, member.compress_size, partial(_open_zip_member, path, member.filename))


def _tar_members(path: Path) -> Iterator[Part]:
    size = path.stat().st_size
    try:
        with open_file(path) as content, tarfile.open(fileobj=content, mode="r|") as archive:
            members = sorted(each.name for each in archive if each.isfile() and _is_ours(each.name))
    except (tarfile.TarError, EOFError) as error:
        raise BadInput(f"{path} is a damaged tar archive: {error}") from None
    yield from (Part(bare(Path(name).name), size, partial(_open_tar_member, path, name)) for name in members)


@contextmanager
def _open_plain(path: Path) -> Iterator[Opened]:
    with path.open("rb") as file:
        yield Opened(unpacked(file), file.tell)


@contextmanager
def _open_zip_member(path: Path, member: str) -> Iterator[Opened]:
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
    """Reads the archive up to the member: a packed tar has no index."""
    with path.open("rb") as file, tarfile.open(fileobj=unpacked(file), mode="r|") as archive:
        for each in archive:
            if each.name == member:
                content = cast(io.RawIOBase, archive.extractfile(each))
                with io.BufferedReader(content) as buffered:
                    yield Opened(unpacked(buffered), file.tell)
                return
