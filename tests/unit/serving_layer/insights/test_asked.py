"""A refusal of an insight names what would match, the nearest first."""

import pytest

from core.insights.table import INSIGHTS
from schemas.rules import Rules
from serving_layer.insights.asked import (
    MOST_NAMED,
    NO_HOURS,
    Asked,
    Refused,
    hours_asked,
    insight_of,
    require_matches,
    zone_of,
)


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
    assert str(error).endswith("and 152 more")


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


@pytest.mark.parametrize(
    "wrong", ["Mars/Phobos", "UTC+2", "Europe", "../etc/passwd", "a\0b", "\ud800", "x" * 5000, "/"]
)
def test_any_other_zone_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(Refused, match="unknown time zone"):
        zone_of(wrong)


@pytest.mark.parametrize("given", [None, "", "UTC", "Asia/Kathmandu"])
def test_a_known_zone_is_taken(given: str | None) -> None:
    zone, name = zone_of(given)
    assert str(zone) == name == (given or "UTC")


@pytest.mark.parametrize("zone", ["localtime", "posixrules"])
def test_a_file_beside_the_zones_is_none(zone: str) -> None:
    with pytest.raises(Refused, match="unknown time zone") as caught:
        zone_of(zone)
    assert f"mean {zone}" not in str(caught.value)


HOUR = 3_600_000
DATA = range(100, 200)


@pytest.mark.parametrize(
    ("first", "end"), [(150 * HOUR, 150 * HOUR), (900 * HOUR, 800 * HOUR), (0, HOUR), (900 * HOUR, None)]
)
def test_a_range_without_data_is_refused_with_the_range_that_exists(first: int, end: int | None) -> None:
    with pytest.raises(
        Refused, match="the data, which are from 1970-01-05 04:00:00Z to 1970-01-09 08:00:00Z"
    ) as caught:
        hours_asked(Asked(first=first, end=end), 7, DATA)
    assert caught.value.more["exists"] == {"from": 100 * HOUR, "to": 200 * HOUR}


def test_without_data_a_range_is_refused_only_where_it_ends_before_it_begins() -> None:
    assert not hours_asked(Asked(first=0, end=HOUR), 7, NO_HOURS)
    with pytest.raises(Refused, match="is not before"):
        hours_asked(Asked(first=HOUR, end=0), 7, NO_HOURS)


@pytest.mark.parametrize("name", INSIGHTS)
def test_an_insight_says_which_filters_it_takes_and_refuses_the_others(name: str) -> None:
    takes = INSIGHTS[name].takes
    for given, asked in (("category", Asked(frozenset({"DIY"}))), ("zone", Asked(zone="UTC"))):
        if given in takes:
            assert insight_of(name, asked, Rules()).name == name
        else:
            with pytest.raises(Refused, match=f"cannot be asked by {given}: it takes {', '.join(takes)}"):
                insight_of(name, asked, Rules())
