"""Splits a JSON text of any size, an array or a sequence of objects, into its objects."""

import re
from collections.abc import Iterable, Iterator

from schemas.errors import BadInput

MOST_BYTES = 16 * 1024 * 1024  # per object: no topic accepts a larger one
# A string without its closing quote ends what was read so far.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}]', re.DOTALL)
_STRING_OR_SPACE = re.compile(rb'("(?:[^"\\]|\\.)*+"?)|[ \t\r\n]+', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,\[\]]*")


def split_objects(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield each outermost object on one line: blanks between tokens are removed, every other byte stays.

    Raises:
        BadInput: something stands between the objects, one is too large, or the last or the array has no end.
    """
    buffer, at, start, depth, count, arrays = b"", 0, 0, 0, 0, 0
    for chunk in chunks:
        buffer += chunk
        while token := _TOKEN.search(buffer, at):
            if token[0][:1] == b'"' and token.end() == len(buffer):
                break  # the string may continue in the next chunk
            at = token.end()
            if token[0] == b"{":
                if depth == 0:
                    arrays += _arrays_begun(buffer[start : token.start()], name, count)
                    start = token.start()
                depth += 1
            elif token[0] == b"}" and depth:
                depth -= 1
                if depth == 0:
                    count += 1
                    yield on_one_line(buffer[start:at])
                    start = at
        else:
            at = len(buffer)
        buffer, at, start = buffer[start:], at - start, 0
        if len(buffer) > MOST_BYTES:
            raise BadInput(f"{name}: object {count + 1:,} does not end within {MOST_BYTES:,} bytes")
    if depth:
        raise BadInput(f"{name} ends in the middle of object {count + 1:,}; the {count:,} before are sent")
    if arrays + _arrays_begun(buffer, name, count) > 0:
        raise BadInput(f"{name} ends before its array does: it may be cut off; the {count:,} objects before are sent")


def on_one_line(text: bytes) -> bytes:
    """Return a JSON text without blanks between its tokens."""
    return _STRING_OR_SPACE.sub(lambda token: token[1] or b"", text)


def _arrays_begun(text: bytes, name: str, count: int) -> int:
    """Return how many more arrays begin than end in the text between two objects.

    Raises:
        BadInput: the text has other characters than blanks, commas and brackets.
    """
    if not _BETWEEN.fullmatch(text):
        excerpt = text.strip()[:40].decode(errors="replace")
        raise BadInput(f"{name} is not JSON after object {count:,}, at {excerpt!r}; the {count:,} before are sent")
    return text.count(b"[") - text.count(b"]")
