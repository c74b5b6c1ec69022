"""Looks at a file's first lines: they must hold one JSON object per line, or the file is refused with the remedy."""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from core.json.strict_json import read_object
from datasets.files.json_values import split_objects
from datasets.files.unpacking import TAR_MAGIC, TAR_MAGIC_AT
from schemas.errors import BadInput

HEAD_BYTES = 64 * 1024
_ARRAY = re.compile(rb"\s*\[\s*[{\]]")
_WHOLE = json.JSONDecoder()


@dataclass(frozen=True)
class Opened:
    """A file whose first bytes were looked at; ``head`` holds them, without a byte order mark."""

    file: BinaryIO
    name: str
    head: bytes
    had_mark: bool

    def lines(self) -> Iterator[bytes]:
        """Yield lines without their line feed and otherwise unchanged.

        Raises:
            BadInput: a .gz ends early or is damaged; the lines before have been yielded.
        """
        with _readable(self.name, "what came before is sent, so mend it before sending again"):
            whole = self.head.endswith(b"\n")
            head = self.head if whole or not self.head else self.head + self.file.readline()
            yield from head.removesuffix(b"\n").split(b"\n") if head else ()
            for line in self.file:
                yield line.removesuffix(b"\n")

    def objects(self) -> Iterator[bytes]:
        """Yield the objects of a JSON array, or objects that follow one another, each on one line.

        Raises:
            BadInput: it is no such text, or damaged; the objects before have been yielded.
        """

        def chunks() -> Iterator[bytes]:
            yield self.head
            while chunk := self.file.read(HEAD_BYTES):
                yield chunk

        with _readable(self.name, "what came before is sent, so mend it before sending again"):
            yield from split_objects(chunks(), self.name)


def look_at(file: BinaryIO, name: str, one_per_line: bool) -> Opened:
    """Return the file with its first lines read; with ``one_per_line`` they must hold one object per line.

    Raises:
        BadInput: the file is UTF-16 or an archive; or, with ``one_per_line``, it holds an array, objects over several
            lines, or lines that end with a carriage return alone.
    """
    with _readable(name, "nothing is sent"):
        head = _first_line(file)
        _refuse_utf_16(head, name)
        _refuse_archive(head, name)
        text = head.removeprefix(codecs.BOM_UTF8)
        if one_per_line and not isinstance(read_object(text.strip()), dict):
            _refuse_old_line_ends(text, name)
            text = _to_the_first_object(file, text, name)
    return Opened(file, name, text, head.startswith(codecs.BOM_UTF8))


def _first_line(file: BinaryIO) -> bytes:
    """Return the first line that is not empty, with those before it. Reading on could block, if the file is a pipe."""
    head = b""
    while not head.strip(b" \t\r\n\0") and len(head) < HEAD_BYTES:
        line = file.readline(HEAD_BYTES)
        if not line:
            break
        head += line
    return head


def _to_the_first_object(file: BinaryIO, head: bytes, name: str) -> bytes:
    """Return ``head`` and as many further lines as the form needs to be recognised: mostly none.

    Raises:
        BadInput: it is an array, or its objects are spread over many lines.
    """
    while True:
        if _ARRAY.match(head):
            raise BadInput(_remedy(name, "a JSON array", "jq -c '.[]'"))
        if _spreads(head):
            raise BadInput(_remedy(name, "JSON objects over several lines each", "jq -c ."))
        begun = head.strip() == b"[" or head.lstrip()[:1] == b"{"
        line = file.readline(HEAD_BYTES) if begun and len(head) < HEAD_BYTES else b""
        head += line
        if not line or (isinstance(read_object(line.strip()), dict) and head.strip()[:1] == b"{"):
            return head


def _remedy(name: str, form: str, command: str) -> str:
    return f"{name} holds {form}, not one object per line: add `--format json`, or convert it with `{command}`"


def _spreads(head: bytes) -> bool:
    """Return whether the first value is an object that ends after the first line."""
    text = head.decode(errors="replace").lstrip()
    try:
        value, end = _WHOLE.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "\n" in text[:end]


def _refuse_utf_16(head: bytes, name: str) -> None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:2]:
        raise BadInput(f"{name} is UTF-16, and JSON here is UTF-8: convert it with `iconv -f UTF-16 -t UTF-8`")


def _refuse_archive(head: bytes, name: str) -> None:
    is_tar = head[TAR_MAGIC_AT : TAR_MAGIC_AT + len(TAR_MAGIC)] == TAR_MAGIC
    if is_tar or head.startswith(b"PK\x03\x04"):
        raise BadInput(f"{name} is a {'tar' if is_tar else 'zip'} archive: unpack it, and send its files one by one")


def _refuse_old_line_ends(text: bytes, name: str) -> None:
    lines = text.strip().split(b"\r")[:2]
    if len(lines) == 2 and all(isinstance(read_object(line), dict) for line in lines):
        raise BadInput(f"the lines of {name} end with a carriage return alone: convert it with `tr '\\r' '\\n'`")


@contextmanager
def _readable(name: str, then: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadInput(f"{name} is damaged: {error}; {then}") from None
