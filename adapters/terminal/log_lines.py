"""A log record as one line of JSON: its time, level, part and event, and the keys that the event names."""

import json
import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

OURS = "millrace"  # above all loggers of ours
_KEY = re.compile(r"\s*\b([a-z_]+)=(%[-+ #0-9.]*[srdfg])")
_PLACE = re.compile(r"%[-+ #0-9.]*[srdfg]")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_about = ContextVar("about", default=_NOTHING)


def about_this(anew: bool = False, **names: str) -> None:
    """Let all further lines of this task, and of threads that work for it, carry these keys, such as ``request``.

    Args: anew: instead of those before, as when a task begins that inherited another's.
    """
    _about.set({**({} if anew else _about.get()), **names})


def about() -> Mapping[str, str]:
    """Return the keys that lines written here carry beside their own."""
    return _about.get()


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object. ``event key=%s`` becomes the event and a member for each key."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name.removeprefix(f"{OURS}."),
            "event": _KEY.sub("", record.msg).strip() if _keys(record) else record.getMessage(),
            **_keys(record),
            **about(),
            "process": record.process,
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _keys(record: logging.LogRecord) -> dict[str, Any]:
    """Return the named values of a record; none where its text also has nameless ones."""
    text = record.msg if isinstance(record.msg, str) else ""
    named, args = _KEY.findall(text), record.args
    if not named or not isinstance(args, tuple) or not len(named) == len(_PLACE.findall(text)) == len(args):
        return {}
    plain = (int, float, str, bool, type(None))
    return {
        name: value if isinstance(value, plain) else str(value) for (name, _), value in zip(named, args, strict=True)
    }
