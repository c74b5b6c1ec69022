"""Vectors of texts: what is encoded, what is kept from the generation before, and what is left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from batch_layer.learning.asking import InteractionsPast
from core.quality.ranking_quality import Interactions
from recommenders.cohort import Cohort
from recommenders.words import RECOMMENDER, WordsSettings, text_of
from schemas.catalogue import Item
from schemas.rules import Rules

SETTINGS = WordsSettings()
SHOP = [Item("0", title="Green tea"), Item("1", title="Black tea", tags=("hot",)), Item("2"), Item("3", brand="Mug")]
NAMES = [item.item_id.encode() for item in SHOP]


@dataclass(frozen=True)
class Past(InteractionsPast):
    """Encodes a text as a direction that its letters decide; or has no encoder."""

    has_encoder: bool = True
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def say(self, line: str, /) -> None:
        self.said.append(line)

    def encoded(self, texts: Sequence[str], text_model: str, /) -> NDArray[np.float32] | None:
        self.asked.extend(texts)
        rows = np.array([[len(text), text.count("e"), text.count("t")] for text in texts], np.float32).reshape(-1, 3)
        return rows / np.sqrt((rows**2).sum(1, keepdims=True)) if self.has_encoder else None


def past(records: list[Item] = SHOP, has_encoder: bool = True, from_scratch: bool = False) -> Past:
    item = np.array([0], np.int64)
    events = Interactions(item, item, item + 1000, item + 1_700_000_000_000, 1, len(records), records=records)
    return Past(events, [own.item_id.encode() for own in records], from_scratch=from_scratch, has_encoder=has_encoder)


def test_a_text_is_title_labels_and_description() -> None:
    item = Item("i", title=" A ", description="d", category="c", categories=("c", "e"), brand="b", tags=("t",))
    assert text_of(item) == "A. c, e, b, t. d"
    assert text_of(Item("i", title=" ", description="")) == ""


def test_items_without_text_are_named_and_counted_and_the_others_scored_by_cosine() -> None:
    asked = past()
    artefact = RECOMMENDER.fit(asked, SETTINGS, None)
    assert artefact is not None
    assert artefact.items == [b"0", b"1", b"3"]
    assert "1 of 4 items have no text and are left out, such as '2'" in asked.said[0]
    scorer = RECOMMENDER.open(artefact, SETTINGS)
    answered = scorer.candidates(Cohort.of(asked.events, Rules(), NAMES).question(0), 10)
    scores = dict(zip(answered.columns.codes.tolist(), answered.columns.scores.tolist(), strict=True))
    vectors = artefact.arrays["vectors"]
    np.testing.assert_allclose([scores[0], scores[1], scores[3]], vectors @ vectors[0], rtol=1e-6)
    assert list(answered.reasons(1)) == [0]
    assert answered.reasons(2) == {}


def test_only_texts_that_are_new_are_encoded() -> None:
    first = RECOMMENDER.fit(past(), SETTINGS, None)
    more = past([*SHOP, Item("4", title="White tea"), Item("5", title="Green tea")])
    second = RECOMMENDER.fit(more, SETTINGS, first)
    assert more.asked == ["White tea"]
    assert second is not None
    assert np.array_equal(second.arrays["vectors"][0], second.arrays["vectors"][4])
    for other in (past(from_scratch=True), past()):
        settings = SETTINGS if other.from_scratch else replace(SETTINGS, text_model="elsewhere")
        RECOMMENDER.fit(other, settings, first)
        assert len(other.asked) == 3
    again = past(has_encoder=False)
    assert RECOMMENDER.fit(again, SETTINGS, first) is not None  # nothing is left to encode


def test_without_an_encoder_or_texts_there_is_no_artefact() -> None:
    assert RECOMMENDER.fit(past(has_encoder=False), SETTINGS, None) is None
    assert RECOMMENDER.fit(past([SHOP[2]]), SETTINGS, None) is None
