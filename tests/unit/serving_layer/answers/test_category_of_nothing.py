"""A category that nothing is of: trends name the categories that would match, the most counted first."""

from collections.abc import Iterator
from typing import Any

import pytest

from serving_layer.answers.lookups import trending
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from serving_layer.reading.views import Views
from tests.kit.serving import fill


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Views]:
    world = fill(tmp_path_factory.mktemp("shop") / "home")
    yield Views(world.batch, world.speed)
    world.batch.close()
    world.speed.close()


def asked(views: Views, **page: Any) -> dict[str, Any]:
    return answer(views, lambda snapshot: trending(snapshot, 24, None, Page(**page)))


def test_the_categories_of_the_window_are_named(views: Views) -> None:
    answered = asked(views, category=frozenset({"no such"}))
    assert answered["items"] == []
    assert sorted(answered["would_match"]) == ["c0", "c1"]
    assert answered["would_match"][0] == asked(views, n=1)["items"][0]["category"]


@pytest.mark.parametrize(
    "page", [{}, {"category": frozenset({"c0"})}, {"category": frozenset({"no such"}), "offset": 3}, {"offset": 500}]
)
def test_any_other_answer_names_none(views: Views, page: dict[str, Any]) -> None:
    assert "would_match" not in asked(views, **page)
