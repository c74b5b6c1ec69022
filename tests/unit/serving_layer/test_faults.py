"""A wrong field is one plain sentence: the field, and the rule that it breaks."""

import json
from typing import Any

import pytest

from schemas.errors import Unprocessable
from serving_layer.routes.bodies import AnybodyBody, ManyBody, SimilarBody, WishBody, read_body
from serving_layer.routes.faults import said

MANY = ["a"] * 101


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"n": 0}, "n: must be at least 1"),
        ({"n": 5_000}, "n: must be at most 1,000"),
        ({"n": 1.5}, "n: must be a whole number"),
        ({"n": "7"}, "n: must be a whole number"),
        ({"offset": -1}, "offset: must be at least 0"),
        ({"category": 5}, "category: must be a text or a list"),
        ({"category": ["a", 5]}, "category.1: must be a text"),
        ({"category": []}, "category: must have at least 1 entries"),
        ({"category": ""}, "category: a category has 1 to 256 characters; leave it out for items of any category"),
        ({"brand": "x" * 300}, "brand: must have at most 256 characters"),
        ({"tag": [""]}, "tag.0: must have at least 1 characters"),
        ({"min_price": "dear"}, "min_price: must be a number"),
        ({"max_price": -1}, "max_price: must be at least 0"),
        ({"include_seen": "yes"}, "include_seen: must be true or false"),
        ({"exclude": "book-1"}, "exclude: must be a list"),
        ({"exclude": ["a", ""]}, "exclude.1: an id has 1 to 256 characters of UTF-8, none of them a control character"),
        ({"context": 3}, "context: must be an object"),
        ({"context": {"items": [3]}}, "context.items.0: must be a text"),
        ({"context": {"screen": "big"}}, "context.screen: is unknown"),
        ({"n": 0, "offset": -1}, "n: must be at least 1; offset: must be at least 0"),
        ([], "the body: must be an object"),
    ],
)
def test_a_body_says_which_field_breaks_which_rule(given: Any, sentence: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        read_body(WishBody, json.dumps(given).encode())
    assert str(refused.value) == sentence


def test_what_is_missing_and_what_excludes_each_other_is_said() -> None:
    for kind, given, sentence in [
        (ManyBody, {}, "users: is required"),
        (ManyBody, {"users": []}, "users: must have at least 1 entries"),
        (SimilarBody, {"items": MANY}, "items: must have at most 100 entries"),
        (AnybodyBody, {"items": [{"item_id": "a", "weight": 1, "kind": "view"}]},
         "items.0: give a weight, or a kind with its value, not both"),
        (AnybodyBody, {"items": [{"item_id": "a", "value": 2e6}]}, "items.0.value: must be at most 1,000,000"),
    ]:  # fmt: skip
        with pytest.raises(Unprocessable) as refused:
            read_body(kind, json.dumps(given).encode())
        assert str(refused.value) == sentence


def test_a_rule_that_names_its_field_does_not_name_it_twice() -> None:
    assert said("at_least", "at_least is PARTITION:OFFSET") == "at_least is PARTITION:OFFSET"
    assert said("window", "'3x' is not a window") == "window: '3x' is not a window"
