"""Answers as JSON: shortest floats, UTF-8, no blanks; one encoder for every route."""

from typing import Any

import msgspec
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/json"


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's."""
    return value.item()


encoded = msgspec.json.Encoder(enc_hook=_plain).encode


class Json(JSONResponse):
    """A response with that encoding."""

    def render(self, content: Any) -> bytes:
        return encoded(content)
