"""What was asked, as the answer itself says; the rest of the question is given beside it.

A new kind of answer is one line in ``KINDS``: the fields by which it is known, and how it is asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from adapters.terminal.commands import LATEST_MS, MAX_WINDOW_HOURS
from core.events.fields import identifier
from schemas.errors import BadInput
from serving_layer.answers import by_words, lookups, together
from serving_layer.answers import recommend as recommender
from serving_layer.answers.sources import Wish
from serving_layer.merged.pages import Cursor, Page
from serving_layer.reading.snapshot import Snapshot

HOUR_SECONDS = 3_600

Answer = dict[str, Any]
Ask = Callable[[Snapshot], Answer]


@dataclass(frozen=True)
class Beside:
    """What an answer does not say of its question: None and empty as where the question left it out."""

    n: int | None = None
    offset: int = 0
    category: frozenset[str] | None = None
    cursor: str | None = None
    exclude: tuple[bytes, ...] = ()
    include_seen: bool = False

    def page(self, answer: Answer) -> Page:
        """Return the page that was asked for: without ``n``, one of as many rows as there are.

        A list that had ended shows it by a null cursor: then one row more is asked for, which must not be there.
        """
        n = self.n
        if n is None:
            rows = len(answer.get("items", ()))
            ended = "next_cursor" in answer and answer["next_cursor"] is None and not self.offset
            n = max(rows + ended, 1)
        return Page(n, self.offset, self.category, cursor=Cursor.of(self.cursor) if self.cursor else None)

    def wish(self, answer: Answer) -> Wish:
        """Return the same for recommendations."""
        return Wish(self.page(answer), self.exclude, self.include_seen)


@dataclass(frozen=True)
class Kind:
    """A kind of answer: its name, fields that it has and fields that it has not, whether models make it, the asking."""

    name: str
    has: frozenset[str]
    lacks: frozenset[str]
    by_models: bool
    ask: Callable[[Answer, Beside], Ask]


def _recommendations(answer: Answer, beside: Beside) -> Ask:
    wish = beside.wish(answer)
    return lambda snapshot: recommender.recommend(snapshot, answer["user_id"].encode(), wish)


def _explanation(answer: Answer, _: Beside) -> Ask:
    user, item = answer["user_id"].encode(), answer["item_id"].encode()
    return lambda snapshot: recommender.explain(snapshot, user, item)


def _trending(answer: Answer, beside: Beside) -> Ask:
    hours, at = _window(answer)
    return lambda snapshot: lookups.trending(snapshot, hours, at, beside.page(answer))


def _changes(answer: Answer, beside: Beside) -> Ask:
    (hours, at), most = _window(answer), max((len(hour["items"]) for hour in answer["buckets"]), default=1)
    page = beside.page(answer) if beside.n else replace(beside.page(answer), n=max(most, 1))
    return lambda snapshot: lookups.bucket_changes(snapshot, hours, at, page)


def _window(answer: Answer) -> tuple[int, int | None]:
    """Return the hours asked for, and the moment, None where it was the log's own."""
    at = answer["as_of"]
    return answer["window_seconds"] // HOUR_SECONDS, None if at == answer["fresh_to"].get("event_time") else at


def _several(answer: Answer, beside: Beside) -> Ask:
    users = [row["user_id"].encode() for row in answer["users"]]
    first: Answer = max(answer["users"], key=lambda row: len(row["items"]), default={})
    wish = beside.wish(first)
    return lambda snapshot: recommender.recommend_to_many(snapshot, users, wish)


def _alike(answer: Answer, beside: Beside) -> Ask:
    """Ask what is similar by words also where the answer says that it is by behaviour for want of words."""
    by = by_words.WORDS if answer.get("by") == by_words.WORDS or "missing" in answer else by_words.BEHAVIOUR
    return lambda snapshot: by_words.similar(snapshot, answer["item_id"].encode(), beside.page(answer), by)


def _kind(name: str, has: str, lacks: str, by_models: bool, ask: Callable[[Answer, Beside], Ask]) -> Kind:
    return Kind(name, frozenset(has.split()), frozenset(lacks.split()), by_models, ask)


def _is_id(value: Any) -> bool:
    """Return whether an id can be asked by; half a surrogate pair cannot."""
    return identifier(value) is not None and value.encode(errors="ignore").decode() == value


def _is_list(value: Any, fits: Callable[[Any], bool] = lambda row: True) -> bool:
    return isinstance(value, list) and all(map(fits, value))


def _has_rows(part: Any) -> bool:
    return isinstance(part, dict) and _is_list(part.get("items"))


def _is_time(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value <= LATEST_MS)


# What a question is made of, wherever an answer has it.
_FORMS: dict[str, Callable[[Any], bool]] = {
    "user_id": _is_id,
    "item_id": _is_id,
    "items": _is_list,
    "similar_to": lambda value: _is_list(value, _is_id),
    "unknown_items": lambda value: _is_list(value, _is_id),
    "users": lambda value: _is_list(value, lambda row: _has_rows(row) and _is_id(row.get("user_id"))),
    "buckets": lambda value: _is_list(value, _has_rows),
    "window_seconds": lambda value: type(value) is int and 1 <= value // HOUR_SECONDS <= MAX_WINDOW_HOURS,
    "as_of": _is_time,
}
_SOMETIMES = {"unknown_items"}  # fields that make the question where they are there


def _require_form(answer: Answer, kind: Kind) -> None:
    """Raise BadInput where a field that makes the question is not what answers of the kind have there."""
    for name, fits in _FORMS.items():
        if name in answer and name in kind.has | _SOMETIMES and not fits(answer[name]):
            raise BadInput(f"the answer was changed: no answer has such a {name}: {str(answer[name])[:80]!r}")


KINDS = [
    _kind("recommendations", "user_id personal items", "", True, _recommendations),
    _kind("recommendations of several users", "users", "insight", True, _several),
    _kind("explanation", "user_id item_id because score", "", True, _explanation),
    _kind("similar items", "item_id items norm", "", False, _alike),
    _kind("similar items by words", "item_id items by exact", "distance", True, _alike),
    _kind(
        "similar to several items", "similar_to items", "", False,
        lambda answer, beside: lambda s: together.similar_to_all(
            s, [item.encode() for item in [*answer["similar_to"], *answer.get("unknown_items", ())]],
            beside.page(answer),
        ),
    ),
    _kind("trending items", "as_of window_seconds basis items", "hours", False, _trending),
    _kind("changes by hour", "as_of window_seconds buckets", "", False, _changes),
    _kind(
        "history", "user_id items", "personal", False,
        lambda answer, beside: lambda s: lookups.history(s, answer["user_id"].encode(), beside.page(answer)),
    ),
    _kind(
        "profile", "user_id preferences attributes", "", False,
        lambda answer, _: lambda s: recommender.profile(s, answer["user_id"].encode()),
    ),
    _kind(
        "new items", "hours items", "basis", False,
        lambda answer, beside: lambda s: together.latest(s, beside.page(answer)),
    ),
    _kind(
        "item", "item_id norm hidden", "items", False,
        lambda answer, _: lambda s: lookups.item(s, answer["item_id"].encode()),
    ),
]  # fmt: skip


def kind_of(answer: Answer) -> Kind:
    """Return the kind of an answer.

    Raises:
        BadInput: it is none that can be asked again.
    """
    for kind in KINDS:
        if kind.has <= answer.keys() and not kind.lacks & answer.keys():
            _require_form(answer, kind)
            return kind
    if "distance" in answer:
        raise BadInput("an answer by picture comes of the index of pictures, of which only the newest is kept")
    if {"personal", "items"} <= answer.keys():
        raise BadInput("an answer to a basket or to preferences does not hold them, so it cannot be asked again")
    names = ", ".join(kind.name for kind in KINDS)
    raise BadInput(f"this is no answer that can be reproduced: {names} can, as `--json` or the HTTP API gave them")
