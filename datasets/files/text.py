"""Bytes of a table as lines of text: encodings, byte order marks, line ends, damaged archives."""

import codecs
import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from datasets.files.tally import Tally
from schemas.errors import BadInput

Read = TypeVar("Read")
MAX_LINE = 16 << 20  # bytes; a file without line ends must not be read into memory whole
NOT_UTF8 = "line not UTF-8, read as Windows-1252"
_PEEKED = 1 << 12
_BLOCK = 1 << 16  # bytes
_DAMAGE = (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, tarfile.TarError)
MARKS = {  # the longer ones first: the mark of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def text_lines(raw: "io.BufferedReader[Any]", name: str, encoding: str, tally: Tally) -> Iterator[str]:
    """Yield the lines of ``line_blocks`` one by one."""
    return chain.from_iterable(line_blocks(raw, name, encoding, tally))


def line_blocks(raw: "io.BufferedReader[Any]", name: str, encoding: str, tally: Tally) -> Iterator[list[str]]:
    """Yield decoded lines with their line ends, some hundreds at once, each counted in ``tally.lines``.

    Without an encoding, a byte order mark decides; without a mark the text is UTF-8. A line that is not UTF-8 is read
    as Windows-1252, the encoding of older exports.

    Raises:
        BadInput: a line is too long, or the text is UTF-16 without a byte order mark.
    """
    for lines in until_damage(_decoded(raw, name, encoding, tally), name, tally):
        tally.lines += len(lines)
        yield lines


def require_encoding(encoding: str) -> None:
    """Raise BadInput unless Python can decode text by that name."""
    try:
        with suppress(UnicodeDecodeError):
            b"a".decode(encoding or "utf-8")
    except (LookupError, UnicodeError):  # the encoding 'undefined' raises the latter
        raise BadInput(f"'{encoding}' is no encoding: use a name such as utf-8, cp1252, cp1251 or utf-16") from None


def until_damage(lines: Iterable[Read], name: str, tally: Tally) -> Iterator[Read]:
    """Yield the lines of a file, or blocks of them, up to where it is damaged, which is noted.

    Raises: BadInput when nothing of it can be read.
    """
    any_read = False
    try:
        for line in lines:
            yield line
            any_read = True
    except _DAMAGE as error:
        if not any_read:
            raise BadInput(f"{name} is damaged, nothing of it can be read: {error}") from None
        tally.note(f"{name} is damaged, read up to there")


def _decoded(raw: "io.BufferedReader[Any]", name: str, encoding: str, tally: Tally) -> Iterator[list[str]]:
    start = raw.peek(_PEEKED)
    marked = next((encoding_of_mark for mark, encoding_of_mark in MARKS.items() if start.startswith(mark)), "")
    if not encoding and not marked and b"\0" in start[:4]:
        raise BadInput(f"{name} looks like UTF-16 without a byte order mark: use --encoding utf-16-le or utf-16-be")
    if encoding or marked:
        yield from _wide(raw, name, encoding or marked, tally)
    elif b"\r" in start and b"\n" not in start:  # line ends of old Macintoshes
        yield from _wide(raw, name, "utf-8", tally)
    else:
        yield from _utf8_blocks(raw, name, tally)


def _too_long(name: str) -> BadInput:
    return BadInput(f"{name} has a line longer than {MAX_LINE >> 20} MiB: it is no table of lines")


def _wide(raw: "io.BufferedReader[Any]", name: str, encoding: str, tally: Tally) -> Iterator[list[str]]:
    with io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="") as decoded:
        for line in iter(partial(decoded.readline, MAX_LINE), ""):
            if len(line) >= MAX_LINE:
                raise _too_long(name)
            if "\ufffd" in line:
                tally.note(f"line with characters that {encoding} lacks, replaced")
            yield [line.removeprefix("\ufeff")]


def _utf8_blocks(raw: "io.BufferedReader[Any]", name: str, tally: Tally) -> Iterator[list[str]]:
    rest = b""
    while chunk := raw.read1(_BLOCK):  # keeps what precedes damage
        head, end, rest = (rest + chunk).rpartition(b"\n")
        if len(rest) >= MAX_LINE:
            raise _too_long(name)
        if end:
            yield _utf8(head + end, tally)
    if rest:
        yield _utf8(rest, tally)


def _utf8(content: bytes, tally: Tally) -> list[str]:
    try:
        lines = io.StringIO(content.decode(), newline="\n").readlines()
    except UnicodeDecodeError:
        lines = [_utf8_line(line, tally) for line in io.BytesIO(content)]
    if codecs.BOM_UTF8 in content:  # also in the middle: files that were joined
        lines = [line.removeprefix("\ufeff") for line in lines]
    return lines


def _utf8_line(line: bytes, tally: Tally) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        tally.note(NOT_UTF8)
        return line.decode("cp1252", errors="replace")
