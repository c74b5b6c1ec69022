"""Files that appear whole or not at all."""

import gzip
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from schemas.errors import BadInput

_LINES = 1_000  # that are written at once


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Provide a file to write, which replaces ``path`` when the block succeeds; compressed if the name ends in .gz.

    A link stays one: what it leads to is replaced.

    Raises: BadInput where a folder, a device or a pipe is.
    """
    if path.is_symlink():
        path = path.resolve()
    if path.exists() and not path.is_file():
        raise BadInput(f"{path} is no regular file: name another")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(partial.open("wb"))
            if path.suffix == ".gz":  # without a time in its header, so that equal contents are equal bytes
                yield cast(BinaryIO, stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0)))
            else:
                yield raw
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Provide a folder to fill, which becomes ``folder`` when the block succeeds and otherwise is deleted.

    Raises:
        BadInput: there is such a folder, and it is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is there already: name a folder that is new or empty")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    try:
        yield partial
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def require_apart(source: Path, *outputs: Path | None) -> None:
    """Raise BadInput if an output would overwrite the source or another output."""
    taken = [source.resolve()]
    for output in filter(None, outputs):
        if output.resolve() in taken:
            raise BadInput(f"{output} would be overwritten: name another file for each output, none of them the input")
        taken.append(output.resolve())


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write each line with a line feed after it; return the number of lines."""
    rest = iter(lines)
    return write_blocks(path, iter(lambda: list(islice(rest, _LINES)), []))


def write_blocks(path: Path, blocks: Iterable[Sequence[bytes]]) -> int:
    """Write lines as ``write_lines`` does, those of a block at once."""
    count = 0
    with replacing(path) as file:
        for block in filter(None, blocks):
            file.write(b"\n".join(block) + b"\n")
            count += len(block)
    return count
