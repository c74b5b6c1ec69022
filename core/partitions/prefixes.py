"""A prefix of the log as text: ``2:1841,3:7`` is every event below these offsets of two partitions.

It is what ``POST /interactions`` returned as ``positions``, or an answer's ``fresh_to.offsets``; JSON of them too.
"""

import re
from collections.abc import Mapping
from typing import Any

from core.json.strict_json import Malformed, decode
from schemas.control import Offsets

MAX_OFFSET = 2**63 - 1
MAX_PARTITIONS = 10_000
WAIT_SECONDS = 2.0
MAX_WAIT_SECONDS = 10.0
RULE = "at_least is PARTITION:OFFSET, several separated by commas, as in 2:1841,3:7"
WAIT_RULE = f"wait is 0 to {MAX_WAIT_SECONDS:g} seconds, as in 2s, 500ms or 2"


def parse_at_least(text: str) -> Offsets:
    """Return the offsets that a text names. Raises ValueError for any other text."""
    pairs = _of_json(text) if text.lstrip().startswith("{") else [part.split(":", 1) for part in text.split(",")]
    if len(pairs) > MAX_PARTITIONS:
        raise ValueError(RULE)
    offsets: Offsets = {}
    for pair in pairs:
        partition, offset = _numbers(pair)
        offsets[partition] = max(offset, offsets.get(partition, 0))
    return offsets


def parse_wait(text: str) -> float:
    """Return the seconds that a text names. Raises ValueError for any other text, or too many seconds."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)?", text.strip(), re.ASCII)
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1) if match else MAX_WAIT_SECONDS + 1
    if seconds > MAX_WAIT_SECONDS:
        raise ValueError(WAIT_RULE)
    return seconds


def as_json(offsets: Mapping[int, int]) -> dict[str, int]:
    """Return offsets in the form that answers have."""
    return {str(partition): offset for partition, offset in sorted(offsets.items())}


def _of_json(text: str) -> list[list[str]]:
    try:
        given: Any = decode(text.encode())
    except (Malformed, UnicodeError):
        raise ValueError(RULE) from None
    return [[name, str(offset)] for name, offset in given.items()]


def _numbers(pair: list[str]) -> tuple[int, int]:
    parts = [part.strip() for part in pair]
    if len(parts) != 2 or not all(re.fullmatch(r"\d{1,19}", part, re.ASCII) for part in parts):
        raise ValueError(RULE)
    partition, offset = map(int, parts)
    if offset > MAX_OFFSET:
        raise ValueError(RULE)
    return partition, offset
