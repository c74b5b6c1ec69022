"""Answers as JSON: shortest floats, UTF-8, no blanks; one encoder for every route."""

from typing import Any

import msgspec
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/json"


def _plain(value: Any) -> Any:
    """Return NumPy's numbers as Python's."""
    return value.item()


encoded = msgspec.json.Encoder(enc_hook=_plain).encode


def state_headers(answer: Any) -> list[tuple[bytes, bytes]]:
    """Return the headers that name an answer's generation and prefix, the latter as ``at_least`` takes it."""
    if not isinstance(answer, dict) or "fresh_to" not in answer:
        return []
    prefix = ",".join([f"{partition}:{offset}" for partition, offset in answer["fresh_to"]["offsets"].items()])
    generation = answer["generation"]
    named = [] if generation is None else [(b"millrace-generation", generation.encode("ascii", "replace"))]
    return [*named, (b"millrace-prefix", prefix.encode())]


class Json(JSONResponse):
    """A response with that encoding."""

    def __init__(self, content: Any, status_code: int = 200) -> None:
        super().__init__(content, status_code)
        self.raw_headers += state_headers(content)

    def render(self, content: Any) -> bytes:
        return encoded(content)
