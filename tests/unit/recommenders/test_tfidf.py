"""Words of items as vectors, and users as the mean of what they touched, on a shop small enough to count by hand."""

from dataclasses import dataclass, field, replace
from math import log, log1p, sqrt

import numpy as np
import pytest

from batch_layer.learning.asking import InteractionsPast
from core.quality.ranking_quality import Interactions
from core.ranking.columns import NOBODY
from recommenders.artefact import Artefact
from recommenders.cohort import Cohort
from recommenders.port import Candidates
from recommenders.terms import MOST_WORDS, terms_of, words_of
from recommenders.tfidf import RECOMMENDER, TfidfSettings
from recommenders.tfidf.scorer import TfidfScorer
from schemas.catalogue import Item
from schemas.rules import Rules

SETTINGS = TfidfSettings(step_back=0.5)
SHOP = [
    Item("0", title="Green tea", tags=("loose",)),
    Item("1", title="Black tea", description="Tea from Assam"),
    Item("2", title="Blue mug", brand="Potter"),
    Item("3", title="Green mug", category="Kitchen"),
    Item("4", description=" -- "),
]
NAMES = [item.item_id.encode() for item in SHOP]


@dataclass(frozen=True)
class Past(InteractionsPast):
    said: list[str] = field(default_factory=list)

    def say(self, line: str, /) -> None:
        self.said.append(line)


def events(*own: int, records: list[Item] = SHOP) -> Interactions:
    """One user touches those items, one after the other."""
    item = np.array(own, np.int64)
    time = 1_700_000_000_000 + np.arange(len(item))
    return Interactions(item * 0, item, item * 0 + 1000, time, 1, len(records), records=records)


def past(records: list[Item] = SHOP, from_scratch: bool = False) -> Past:
    return Past(events(0, records=records), [item.item_id.encode() for item in records], from_scratch=from_scratch)


def opened(records: list[Item] = SHOP) -> TfidfScorer:
    return RECOMMENDER.open(RECOMMENDER.fit(past(records), SETTINGS, None), SETTINGS)


def candidates(*own: int, most: int = 10, also: int = NOBODY) -> Candidates:
    return opened().candidates(replace(Cohort.of(events(*own), Rules(), NAMES).question(0), also=also), most)


def scores(*own: int, most: int = 10, also: int = NOBODY) -> dict[int, float]:
    columns = candidates(*own, most=most, also=also).columns
    return dict(zip(columns.codes.tolist(), columns.scores.tolist(), strict=True))


def test_words_are_in_lower_case_and_single_latin_letters_are_left_out() -> None:
    assert list(words_of("Don't PANIC: a 7-day trip, été 茶 Ⅷ_x")) == [
        "don't",
        "panic",
        "7",
        "day",
        "trip",
        "été",
        "茶",
        "ⅷ",
    ]
    assert len(list(words_of("word " * 5_000))) == MOST_WORDS


def test_a_title_says_more_than_a_description_and_a_tag_as_much_as_it_is_relevant() -> None:
    item = Item("i", title="tea", description="tea tea pot", tags=("hot", "cold"), tag_weights=(2.0, 0.0))
    assert terms_of(item) == pytest.approx({"tea": log1p(5), "pot": log1p(1), "hot": log1p(4)})
    assert terms_of(Item("i", category="a shop", categories=("a shop", "b2"))) == {"shop": log1p(2), "b2": log1p(2)}
    assert terms_of(Item("i", title="", description="--")) == {}


def test_vectors_are_tf_idf_of_length_1_by_an_independent_count() -> None:
    words = {"green": (log1p(3), 2), "tea": (log1p(3), 2), "loose": (log1p(2), 1)}  # ln(1 + said), items that have it
    weights = {word: tf * (log((1 + 4) / (1 + df)) + 1) for word, (tf, df) in words.items()}
    length = sqrt(sum(weight**2 for weight in weights.values()))
    scorer = opened()
    terms, own = scorer.vectorizer.of(SHOP[0])
    named = scorer.vectorizer.vocabulary
    assert dict(zip(terms.tolist(), own.tolist(), strict=True)) == pytest.approx(
        {named[word]: weight / length for word, weight in weights.items()}
    )


def test_serving_gives_an_item_the_vector_that_the_fit_gave_it() -> None:
    scorer = opened()
    for row, name in enumerate(scorer.items):
        fitted, served = scorer.rows.row(row), scorer.vectorizer.of(SHOP[int(name)])
        assert fitted.terms.tolist() == served.terms.tolist()
        assert fitted.weights == pytest.approx(served.weights)


def test_what_shares_no_word_with_the_history_is_no_candidate() -> None:
    assert set(scores(0)) == {0, 1, 3}
    assert scores(0)[0] == pytest.approx(1.0)
    assert scores(4) == scores() == {}


def test_a_user_is_the_mean_of_the_history_by_how_lately_it_was_touched() -> None:
    scorer = opened()
    one, two = (np.zeros(len(scorer.vectorizer.idf)) for _ in range(2))
    for dense, row in ((one, 1), (two, 2)):
        dense[scorer.rows.row(row).terms] = scorer.rows.row(row).weights
    mean = 0.5 * one + two
    cosines = {code: float(vector @ mean) / sqrt(mean @ mean) for code, vector in ((1, one), (2, two))}
    by_item = scores(1, 2)
    assert {code: by_item[code] for code in (1, 2)} == pytest.approx(cosines)


def test_the_items_of_the_history_that_share_words_are_the_reasons() -> None:
    assert set(candidates(0, 2).reasons(3)) == {0, 2}
    assert set(candidates(0, 2).reasons(1)) == {0}
    assert candidates(0, 2).reasons(4) == {}


def test_the_item_asked_about_comes_beside_the_best() -> None:
    assert set(scores(1, most=1)) == {1}
    assert set(scores(1, most=1, also=0)) == {0, 1}


def test_items_without_words_are_named_and_counted() -> None:
    asked = past()
    artefact = RECOMMENDER.fit(asked, SETTINGS, None)
    assert artefact is not None
    assert artefact.items == NAMES[:4]
    assert artefact.facts["without_words"] == 1
    assert "1 of 5 items have no words and are left out, such as '4'" in asked.said[0]


@pytest.mark.parametrize(
    ("records", "why"),
    [([], "no item has a catalogue record"), ([SHOP[4]], "no record of the catalogue has words")],
)
def test_a_catalogue_that_teaches_no_word_is_a_sentence(records: list[Item], why: str) -> None:
    asked = past(records)
    assert RECOMMENDER.fit(asked, SETTINGS, None) is None
    assert asked.said[-1] == f"tfidf is left out: {why}"


def test_a_catalogue_beyond_the_most_items_is_cut_with_a_sentence_and_0_learns_nothing() -> None:
    asked = past()
    artefact = RECOMMENDER.fit(asked, replace(SETTINGS, most_items=2), None)
    assert artefact is not None
    assert artefact.items == NAMES[:2]
    assert "the first 2 items by name take part, of 5" in asked.said[0]
    off = past()
    assert RECOMMENDER.fit(off, replace(SETTINGS, most_items=0), None) is None
    assert not off.left_out  # it is turned off


def test_a_word_that_most_items_have_says_nothing_and_the_heaviest_words_are_kept() -> None:
    many = [Item(f"{k:02}", title=f"shop word{k % 6} rare{k}") for k in range(40)]
    artefact = RECOMMENDER.fit(past(many), replace(SETTINGS, words=1), None)
    assert artefact is not None
    scorer = RECOMMENDER.open(artefact, SETTINGS)
    assert "shop" not in scorer.vectorizer.vocabulary
    assert all(len(scorer.rows.row(row).terms) == 1 for row in range(40))
    few = RECOMMENDER.fit(past(many), replace(SETTINGS, vocabulary=6), None)
    assert few is not None
    assert set(RECOMMENDER.open(few, SETTINGS).vectorizer.vocabulary) == {f"word{k}" for k in range(6)}


def test_nothing_is_learned_again_while_no_text_changes() -> None:
    first = RECOMMENDER.fit(past(), SETTINGS, None)
    assert first is not None
    read = Artefact.read(lambda keys: {key: row for key, row in first.rows() if key in keys})
    assert RECOMMENDER.fit(past(), replace(SETTINGS, weight=1.0), read) is read
    assert RECOMMENDER.fit(past([*SHOP[:4], replace(SHOP[4], price=1.0)]), SETTINGS, read) is read
    for again in (
        RECOMMENDER.fit(past([*SHOP[:4], replace(SHOP[4], title="Kettle")]), SETTINGS, read),
        RECOMMENDER.fit(past(), replace(SETTINGS, words=2), read),
        RECOMMENDER.fit(past(from_scratch=True), SETTINGS, read),
    ):
        assert again is not read


@dataclass(frozen=True)
class Described(Cohort):
    """With items that were described after the generation."""

    late: tuple[Item, ...] = ()

    def described_last(self) -> tuple[Item, ...]:
        return self.late


def test_an_item_described_after_the_generation_is_found_at_once_and_may_be_in_a_history() -> None:
    scorer, cohort = opened(), Cohort.of(events(0), Rules(), NAMES)
    late = (Item("9", title="White tea"), Item("8", title="unheard-of"), SHOP[1])
    asked = Described(**{**vars(cohort), "late": late})
    columns = scorer.near(asked, scorer.rows.row(0))
    by_name = {asked.index.names[code]: score for code, score in zip(*(c.tolist() for c in columns), strict=True)}
    assert set(by_name) == {b"0", b"1", b"3", b"9"}
    assert len(columns.codes) == len(by_name)
    known = [*SHOP, Item("9", title="Green tea")]
    read = replace(Cohort.of(events(5, records=known), Rules(), [*NAMES, b"9"]), records_of=known)
    assert {0, 1, 3} <= set(scorer.candidates(read.question(0), 10).columns.codes.tolist())


def test_without_an_artefact_there_are_no_candidates() -> None:
    scorer = RECOMMENDER.open(None, SETTINGS)
    assert not len(scorer.candidates(Cohort.of(events(0), Rules(), NAMES).question(0), 5).columns.codes)
