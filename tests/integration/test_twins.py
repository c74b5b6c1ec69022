"""Whole answers are the same, whichever twin computes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.stores import open_store
from core.ranking.kernels import READABLE, compiled
from serving_layer.answers import lookups
from serving_layer.answers.recommend import Wish, explain, recommend
from serving_layer.merged.catalogue import Page
from serving_layer.reading.answering import answer
from serving_layer.reading.snapshot import Snapshot
from serving_layer.reading.views import Views
from tests.kit.serving import SLASHED, fill

ITEMS = [SLASHED.encode(), *(f"{taste}{k}".encode() for taste in "xy" for k in range(1, 6))]
USERS = [b"u%d" % k for k in range(20)] + [b"nobody"]
MANY, SOME = Page(n=100), Page(n=3, offset=2, category=frozenset({"c0"}))


def asked() -> dict[str, Callable[[Snapshot], Any]]:
    return {
        "recommend": lambda s: [recommend(s, user, Wish(page)) for user in USERS for page in (MANY, SOME)],
        "seen again": lambda s: [recommend(s, user, Wish(MANY, ITEMS[:3], True)) for user in USERS],
        "explain": lambda s: [explain(s, user, item) for user in USERS[:5] for item in ITEMS],
        "similar": lambda s: [lookups.similar(s, item, MANY) for item in ITEMS],
        "trending": lambda s: [lookups.trending(s, hours, None, MANY) for hours in (1, 24)],
        "changes": lambda s: lookups.bucket_changes(s, 24, None, MANY),
    }


@pytest.mark.parametrize("what", asked())
def test_an_answer_is_the_same_by_both_twins(tmp_path: Path, what: str) -> None:
    world = fill(tmp_path)
    batch, speed = (open_store(f"sqlite:///{tmp_path / name}.sqlite") for name in ("batch", "speed"))
    answers = [answer(Views(batch, speed, kernels=kernels), asked()[what]) for kernels in (READABLE, compiled())]
    assert answers[0] == answers[1]
    for store in (batch, speed, world.batch, world.speed):
        store.close()
