"""A refusal of an insight names what would match, the nearest first."""

import pytest

from serving_layer.insights.asked import MOST_NAMED, Refused, require_matches, zone_of


def refused(*categories: str, there: set[str]) -> Refused:
    with pytest.raises(Refused) as caught:
        require_matches(frozenset(categories), there)
    return caught.value


def test_categories_that_would_match_are_named_the_nearest_first() -> None:
    there = {f"c{number:03}" for number in range(200)} | {"Women's Fashion", "Fashion", ""}
    error = refused("fashion", there=there)
    assert error.more["would_match"][0] == "Fashion"
    assert len(error.more["would_match"]) == MOST_NAMED
    assert str(error).startswith("no event in this range is of category 'fashion': did you mean 'Fashion'?")
    assert "and 152 more" in str(error)


def test_a_category_like_no_other_is_refused_with_all_names() -> None:
    error = refused("zzz", there={"DIY", "Tech", ""})
    assert error.more["would_match"] == ["DIY", "Tech"]
    assert "did you mean" not in str(error)
    assert str(error).endswith("these would match: DIY, Tech")


def test_without_any_category_the_refusal_says_so() -> None:
    assert str(refused("DIY", there={""})).endswith("no event in this range names a category")


@pytest.mark.parametrize(
    ("wrong", "meant"), [("europe/berlin", "Europe/Berlin"), ("Berlin", "Europe/Berlin"), ("America/NewYork", "York")]
)
def test_a_time_zone_is_refused_with_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(Refused, match=f"unknown time zone {wrong!r}: did you mean .*{meant}"):
        zone_of(wrong)


@pytest.mark.parametrize("wrong", ["Mars/Phobos", "UTC+2", "Europe", "../etc/passwd", "a\0b", "\ud800", "x" * 5000, "/"])
def test_any_other_zone_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(Refused, match="unknown time zone"):
        zone_of(wrong)


@pytest.mark.parametrize("given", [None, "", "UTC", "Asia/Kathmandu"])
def test_a_known_zone_is_taken(given: str | None) -> None:
    zone, name = zone_of(given)
    assert str(zone) == name == (given or "UTC")
