"""What an answer says of its question: its kind by its fields; and a changed answer is refused by its field."""

from typing import Any

import pytest

from millrace.reproduce.questions import Beside, kind_of
from schemas.errors import BadInput

HEADER = {"generation": None, "segment": None, "fresh_to": {"event_time": 1, "offsets": {"0": 1}}, "degraded": []}
LISTED: dict[str, Any] = {**HEADER, "items": []}
KINDS: dict[str, dict[str, Any]] = {
    "recommendations": {**LISTED, "user_id": "ann", "personal": True},
    "recommendations of several users": {**HEADER, "users": [{"user_id": "ann", "personal": True, "items": []}]},
    "similar items": {**LISTED, "item_id": "a", "norm": 1.0, "exact": True, "category": "shoes"},
    "similar items by words": {**LISTED, "item_id": "a", "by": "words", "model": "m", "exact": True},
    "similar to several items": {**LISTED, "similar_to": ["a", "b"]},
    "trending items": {**LISTED, "as_of": 1, "window_seconds": 86_400, "basis": "trend"},
    "changes by hour": {**HEADER, "as_of": 1, "window_seconds": 86_400, "buckets": [{"items": []}]},
    "history": {**LISTED, "user_id": "ann"},
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_an_answer_is_known_by_its_fields(name: str) -> None:
    kind = kind_of(KINDS[name])
    assert kind.name == name
    kind.ask(KINDS[name], Beside())


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *(("recommendations", "user_id", wrong) for wrong in (5, None, "", "\ud800", "a\0b", ["ann"])),
        ("recommendations", "items", "x"), ("recommendations", "items", None),
        *(("recommendations of several users", "users", wrong) for wrong in ({}, [1], [{"user_id": "ann"}], "ann")),
        ("similar items", "item_id", {}), ("similar to several items", "similar_to", ["a", 5]),
        *(("trending items", "window_seconds", wrong) for wrong in ("24h", 0, True, 10**15, -5, None, 1e9)),
        *(("trending items", "as_of", wrong) for wrong in ("now", -1, 10**20, 1.5)),
        ("changes by hour", "buckets", [[]]),     ],
)  # fmt: skip
def test_an_answer_that_was_changed_is_refused_by_its_field(name: str, field: str, value: Any) -> None:
    with pytest.raises(BadInput, match=f"no answer has such a {field}"):
        kind_of({**KINDS[name], field: value})


def test_what_comes_of_an_index_of_which_only_the_newest_is_kept_cannot_be_asked_again() -> None:
    with pytest.raises(BadInput, match="index of pictures"):
        kind_of({**LISTED, "item_id": "a", "by": "picture", "distance": "l2", "exact": True})
