"""Vectors of texts: what is encoded, what is kept from the generation before, and what is left out."""

from dataclasses import replace

import numpy as np
import pytest

from core.quality.ranking_quality import Interactions
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.words import RECOMMENDER, WordsSettings, text_of
from schemas.catalogue import Item
from schemas.rules import Rules
from tests.kit.meanings import PIECES, EncodingPast

SETTINGS = WordsSettings()
SHOP = [Item("0", title="Green tea"), Item("1", title="Black tea", tags=("hot",)), Item("2"), Item("3", brand="Mug")]
TITLES = [
    f"{colour} {thing}{end}" for colour in ("green", "black", "white") for thing in ("tea", "mug", "hot")
    for end in ("", ".", " tea", " mug.")
]  # fmt: skip
TITLES.remove("white tea")
NAMES = [item.item_id.encode() for item in SHOP]


def past(records: list[Item] = SHOP, has_encoder: bool = True, from_scratch: bool = False) -> EncodingPast:
    item = np.array([0], np.int64)
    events = Interactions(item, item, item + 1000, item + 1_700_000_000_000, 1, len(records), records=records)
    return EncodingPast(
        events, [own.item_id.encode() for own in records], from_scratch=from_scratch, has_encoder=has_encoder
    )


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


@pytest.mark.parametrize(
    ("records", "why"),
    [([], "no item has a catalogue record"), ([SHOP[2]], "no record of the catalogue has text")],
)
def test_a_catalogue_without_any_text_is_a_sentence(records: list[Item], why: str) -> None:
    asked = past(records)
    assert RECOMMENDER.fit(asked, SETTINGS, None) is None
    assert asked.said[-1] == f"words is left out: {why}"


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


def test_an_item_described_after_the_generation_is_found_by_the_table_at_once() -> None:
    """The encoder here says how long a text is and how many e and t it has, so the table must learn that from texts."""
    asked = past([Item(f"{k}", title=title) for k, title in enumerate(TITLES)])
    artefact = RECOMMENDER.fit(asked, SETTINGS, None)
    assert artefact is not None
    scorer = RECOMMENDER.open(
        Artefact.read(lambda keys: {key: row for key, row in artefact.rows() if key in keys}), SETTINGS
    )
    names = [b"%d" % k for k in range(len(TITLES))]
    late = (Item("new", title="white tea"), Item("mute"), Item("odd", title="xyzzy"))
    cohort = replace(Cohort.of(asked.events, Rules(), names), late=late)
    columns = scorer.near(cohort, scorer.row(0))
    near = {cohort.index.names[code] for code in columns.codes.tolist()}
    assert near == {*names, b"new"}
    (by_table,) = scorer.vectors_of(replace(cohort, records_of=[*asked.events.records, *late]), np.array([len(TITLES)]))
    (encoded,) = asked.encoded(["white tea"], "")
    assert float(by_table @ encoded) > 0.98


def test_the_table_is_kept_while_no_text_is_new_and_is_absent_where_its_width_is_0() -> None:
    first = RECOMMENDER.fit(past(), SETTINGS, None)
    assert first is not None
    tables = []
    for settings in (SETTINGS, replace(SETTINGS, table_width=2), replace(SETTINGS, table_width=0)):
        again = RECOMMENDER.fit(past(), settings, first)
        assert again is not None
        tables.append(again.arrays.get("piece_vectors"))
    kept, narrow, none = tables
    assert kept is first.arrays["piece_vectors"]
    assert narrow is not None
    assert narrow.shape == (len(PIECES), 2)
    assert none is None
    scorer = RECOMMENDER.open(RECOMMENDER.fit(past(), replace(SETTINGS, table_width=0), first), SETTINGS)
    assert not scorer.says(scorer.described(SHOP[0]))


def test_of_a_flood_of_new_texts_some_are_encoded_now_and_the_others_by_later_runs() -> None:
    few, records = (
        replace(SETTINGS, encoded_per_run=30),
        [Item(f"{k:02}", title=title) for k, title in enumerate(TITLES)],
    )
    first, second, third = past(records), past(records), past(records)
    one = RECOMMENDER.fit(first, few, None)
    assert one is not None
    assert len(first.asked) == 30
    assert any(f"{len(TITLES) - 30} of them have vectors of the table" in line for line in first.said)
    exact = first.encoded(TITLES, "")
    assert exact is not None
    assert np.array_equal(one.arrays["vectors"][:30], exact[:30])
    near = (one.arrays["vectors"] * exact).sum(axis=1)
    assert near[30:].min() > 0.95
    two = RECOMMENDER.fit(second, few, one)
    assert two is not None
    assert second.asked == TITLES[30:]
    assert np.array_equal(two.arrays["vectors"], exact)
    RECOMMENDER.fit(third, few, two)
    assert third.asked == []


def test_without_an_encoder_or_texts_there_is_no_artefact() -> None:
    assert RECOMMENDER.fit(past(has_encoder=False), SETTINGS, None) is None
    assert RECOMMENDER.fit(past([SHOP[2]]), SETTINGS, None) is None
