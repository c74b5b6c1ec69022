"""Pictures of items as a source: who takes part, who is named and left out, and what a history says."""

from dataclasses import dataclass, field, replace

import numpy as np

from batch_layer.learning.asking import InteractionsPast
from batch_layer.learning.labels import item_pictures
from core.quality.ranking_quality import Interactions
from recommenders.cohort import Cohort
from recommenders.picture import RECOMMENDER, PicturedSettings
from recommenders.port import Pictured
from schemas.catalogue import Item
from schemas.rules import Rules

SETTINGS = PicturedSettings(step_back=0.5)
NAMES = [b"0", b"1", b"2", b"3"]
LOOKS = Pictured([b"0", b"1", b"2", b"unknown"], np.array([[1, 0], [0.6, 0.8], [0, 1], [1, 0]], np.float32))


@dataclass(frozen=True)
class Past(InteractionsPast):
    said: list[str] = field(default_factory=list)

    def say(self, line: str, /) -> None:
        self.said.append(line)


def past(*own: int, looks: Pictured | None = LOOKS) -> Past:
    """One user touches those items, one after the other."""
    item = np.array(own, np.int64)
    records = [Item(name.decode()) for name in NAMES]
    events = Interactions(
        item * 0, item, item * 0 + 1000, 1_700_000_000_000 + np.arange(len(item)), 1, len(NAMES), records=records,
        pictures=item_pictures(NAMES, looks),
    )  # fmt: skip
    return Past(events, NAMES)


def test_items_without_a_picture_are_named_and_counted() -> None:
    asked = past(0)
    artefact = RECOMMENDER.fit(asked, SETTINGS, None)
    assert artefact is not None
    assert artefact.items == NAMES[:3]
    assert artefact.facts["without_picture"] == 1
    assert "1 of 4 items have no picture and are left out, such as '3'" in asked.said[0]


def test_without_pictures_there_is_no_artefact_and_a_sentence_says_what_to_do() -> None:
    for looks in (None, Pictured([], np.zeros((0, 2), np.float32))):
        asked = past(0, looks=looks)
        assert RECOMMENDER.fit(asked, SETTINGS, None) is None
        assert "millrace pictures index" in asked.said[0]


def test_a_user_is_the_weighted_mean_of_the_pictures_touched() -> None:
    asked = past(0, 2, 3)
    scorer = RECOMMENDER.open(RECOMMENDER.fit(asked, SETTINGS, None), SETTINGS)
    answered = scorer.candidates(Cohort.of(asked.events, Rules(), NAMES).question(0), 10)
    profile = np.array([0.25, 0.5])  # item 3 has no picture, and was touched last
    expected = LOOKS.vectors[:3] @ profile / np.sqrt(profile @ profile)
    scores = dict(zip(answered.columns.codes.tolist(), answered.columns.scores.tolist(), strict=True))
    np.testing.assert_allclose([scores[code] for code in range(3)], expected, rtol=1e-6)
    assert answered.reasons(1) == {2: 0.5 * LOOKS.vectors[1][1], 0: 0.25 * LOOKS.vectors[1][0]}
    assert answered.reasons(3) == {}


def test_beyond_the_most_items_the_first_by_name_take_part() -> None:
    asked = past(0)
    artefact = RECOMMENDER.fit(asked, replace(SETTINGS, most_items=2), None)
    assert artefact is not None
    assert artefact.items == NAMES[:2]
    assert len(artefact.arrays["vectors"]) == 2
    assert any("the first 2 items by name take part, of 3" in line for line in asked.said)
