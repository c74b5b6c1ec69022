"""Unpacks gzip, bzip2, xz and zstd, recognised by the first bytes; refuses other packings and names the remedy."""

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any, BinaryIO, Protocol, cast

from schemas.errors import BadInput

TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257
SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
_BLOCK = 1 << 18
# First bytes of files that cannot be read as tables, and what to do instead.
_REFUSED = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive: unpack it and give the file or folder",
    b"Rar!\x1a\x07": "a RAR archive: unpack it and give the file or folder",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of an old Excel: save it as CSV",
    b"\x1f\x9d": "packed by compress (.Z): unpack it",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
}


class _Source(Protocol):
    def read1(self, size: int = ..., /) -> bytes: ...


class _Unpacked(io.RawIOBase):
    """The bytes of a packed stream. Damage of any packing raises ``EOFError``, after the bytes before it are read."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            block = self._source.read1(len(buffer))  # read would lose what precedes damage
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise EOFError(str(error)) from error
        except OSError as error:
            if error.errno is not None:  # the disk, not the packing
                raise
            raise EOFError(str(error)) from error
        buffer[: len(block)] = block
        return len(block)


def unpacked(file: "io.BufferedReader[Any]") -> "io.BufferedReader[Any]":
    """Return the unpacked content of a file. Its bytes decide, not its name: a ``.csv`` that is gzip inside is common.

    Raises:
        BadInput: the file cannot be read as text; the message says what to do.
    """
    start = file.peek(16)
    for magic, what in _REFUSED.items():
        if start.startswith(magic):
            raise BadInput(f"{_name(file)} is {what}")
    source = _unpacker(file, start)
    return io.BufferedReader(_Unpacked(source), _BLOCK) if source else file


def is_tar(file: "io.BufferedReader[Any]") -> bool:
    """Return whether an unpacked file begins as a tar archive does."""
    start = file.peek(TAR_MAGIC_AT + len(TAR_MAGIC))
    return start[TAR_MAGIC_AT : TAR_MAGIC_AT + len(TAR_MAGIC)] == TAR_MAGIC


def bare(name: str) -> str:
    """Return a file's name without the ending of its packing."""
    ending = next((ending for ending in SUFFIXES if name.lower().endswith(ending)), "")
    return name[: -len(ending)] if ending else name


def _unpacker(file: BinaryIO, start: bytes) -> _Source | None:
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file, mode="rb")
    if start.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if start.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(file)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        import pyarrow as pa

        return cast(_Source, pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"))
    return None


def _name(file: BinaryIO) -> str:
    return str(getattr(file, "name", "the file"))
