"""``status`` as people read it: times as times, the schedule and the speed layer as sentences."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.events.timestamps import time_text

TIMES = {"as_of", "beat"}


def in_words(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each entry with its name and its text; what is not known here is shown as it is."""
    for name, value in status.items():
        text = SENTENCES[name](value) if name in SENTENCES else _plain(name, value)
        yield name.replace("_", " "), text


def schedule_in_words(schedule: Mapping[str, Any] | None) -> str:
    """Return how the runs of `batch run --every` go: how often, what is under way or due, how the last one ended."""
    if schedule is None:
        return "none"
    if schedule["alive"]:
        parts = [f"every {_length(schedule['every_ms'])} by {schedule['owner']}"]
        since = schedule["running_since"]
        parts.append(
            f"next run {time_text(schedule['next_due'])}" if since is None else f"runs since {time_text(since)}"
        )
    else:
        parts = ["stopped" if schedule["alive"] is False else "unknown", f"was every {_length(schedule['every_ms'])}"]
    return ", ".join([*parts, *_last_in_words(schedule)])


def _last_in_words(schedule: Mapping[str, Any]) -> Iterator[str]:
    last = schedule["last"]
    if last:
        took = _length(last["ended_at"] - last["began_at"]) if last["began_at"] else "an unknown time"
        what = f"{last['result']} {last['generation']}" if last["generation"] else str(last["result"])
        yield f"last run {what} {time_text(last['ended_at'])} after {took}"
        if last["error"]:
            yield f"because {last['error']}"
    if schedule["failures"]:
        yield f"{schedule['failures']} failed in a row since {time_text(schedule['failing_since'])}"


def _speed_in_words(speed: Mapping[str, Any]) -> str:
    if speed["alive"]:
        return f"runs, by {speed['owner']}"
    state = "unknown" if speed["alive"] is None else "does not run"
    return state if speed["beat"] is None else f"{state}, last seen {time_text(speed['beat'])}"


def _messages(messages: list[str]) -> str:
    return ("\n" + " " * 19).join(messages) or "-"


def _length(milliseconds: int) -> str:
    """Return a length of time in its two largest units."""
    seconds = round(milliseconds / 1000)
    if not seconds:
        return f"{milliseconds} ms"
    units = [(seconds // 86_400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    return " ".join([f"{count} {unit}" for count, unit in units if count][:2])


def _plain(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_plain(name, given)}" for name, given in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and (name in TIMES or name.endswith(("_at", "_since"))):
        return time_text(value)
    return "-" if value is None else str(value)


SENTENCES: dict[str, Callable[[Any], str]] = {
    "schedule": schedule_in_words,
    "speed": _speed_in_words,
    "messages": _messages,
}
