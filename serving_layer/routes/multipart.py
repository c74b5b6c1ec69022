"""The one file of a form (RFC 7578), in a body that has been read whole; anything else is refused by name."""

import re

from schemas.errors import Unprocessable

MULTIPART = "multipart/form-data"
FIELD = "file"
MOST_PARTS = 8
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))""", re.IGNORECASE)
_NAME = re.compile(rb"""[;\s]name=(?:"([^"]*)"|([^\s;"]+))""", re.IGNORECASE)
_WANTED = f"send the picture as multipart/form-data with the field '{FIELD}', or as the body itself"


def file_of_form(content_type: str, body: bytes) -> bytes:
    """Return the content of the field ``file``.

    Raises: Unprocessable: the body is no such form, or has other fields.
    """
    named = _BOUNDARY.search(content_type)
    if named is None:
        raise Unprocessable(f"the header Content-Type names no boundary: {_WANTED}")
    boundary = b"--" + (named[1] or named[2]).encode("latin-1")
    # A form begins with its boundary, each part begins after one, and the last boundary ends with two hyphens.
    first, *parts = (b"\r\n" + body).split(b"\r\n" + boundary, MOST_PARTS + 1)
    if len(parts) < 2 or first.strip() or not parts[-1].startswith(b"--"):
        raise Unprocessable(f"the body is no form with that boundary, or was cut off: {_WANTED}")
    fields = [_field(part) for part in parts[:-1]]
    names = [name for name, _ in fields]
    if names != [FIELD]:
        raise Unprocessable(f"the form must have the field '{FIELD}' once and no other; it has {', '.join(names)}")
    return fields[0][1]


def _field(part: bytes) -> tuple[str, bytes]:
    """Return the name and the content of a part."""
    head, blank, content = part.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    about = next((line for line in lines if line.lower().startswith(b"content-disposition:")), b"")
    name = _NAME.search(about)
    if not blank or lines[0].strip() or name is None:
        raise Unprocessable(f"a part of the form has no name: {_WANTED}")
    return (name[1] if name[1] is not None else name[2]).decode("utf-8", "replace")[:100], content
