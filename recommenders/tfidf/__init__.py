"""TF-IDF of what items' records say: title, description, categories, brand and tags (Salton and Buckley 1988).

An item is a vector of its heaviest words; a user is the mean of the vectors of what the merged history holds, weighed
by rating and by how many steps back it was touched. So an item needs no events to be recommended: one that was
described after the generation gets its vector by the generation's vocabulary as soon as its record is read.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.contents import first_by_name, report_silent, undescribed
from recommenders.pairs import greatest
from recommenders.port import Past
from recommenders.terms import terms_of
from recommenders.tfidf.scorer import TfidfScorer
from recommenders.tfidf.vectors import Vector, Vectorizer, Vectors, kept_of
from schemas.catalogue import Item

STARTS, TERMS, WEIGHTS, IDF, WORDS = "starts", "terms", "weights", "idf", "words"
FEW = 10  # items that may share a word however few items there are


@dataclass(frozen=True, kw_only=True)
class TfidfSettings:
    """``weight``: the source's share of a blend."""

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0, why="off until it is shown to help"
    )
    step_back: float = setting(
        0.9, "what an item touched one step earlier says of a user", at_least=0, at_most=1, why="as for `affinity`"
    )
    words: int = setting(
        48, "words kept of an item, the heaviest", at_least=1,
        why="descriptions are long, and most of their words say little",
    )  # fmt: skip
    vocabulary: int = setting(
        50_000, "words kept of all items, the most frequent", at_least=1, why="a rare word joins few items"
    )
    common: float = setting(
        0.3, "a word of more than this share of the items says nothing", at_least=0, at_most=1,
        why="it tells hardly any two items apart, and each answer would add up all items that have it",
    )  # fmt: skip
    most_items: int = setting(
        200_000, "items that take part, the first by name; 0: no words are learned", at_least=0,
        why="a fit takes some 10 KB per item; words are learned at weight 0 too, as `similar --by words` and lists ask "
        "them",
    )  # fmt: skip


class Tfidf:
    """Learns from the catalogue alone, with scikit-learn; answers without it."""

    name = "tfidf"
    settings = TfidfSettings
    trained = True
    of_catalogue = of_contents = True

    def fit(self, past: Past, settings: TfidfSettings, before: Artefact | None) -> Artefact | None:
        records = past.records()
        chosen = first_by_name(past, list(records), settings.most_items, "TF-IDF")
        facts = {"settings": _learned(settings), "texts": _digest(records, chosen)}
        if before is not None and not past.from_scratch and facts.items() <= before.facts.items():
            return before
        said = {name: terms_of(records[name]) for name in chosen}
        silent = [name for name, terms in said.items() if not terms]
        report_silent(past, silent, len(chosen), "TF-IDF", "words")
        items = [name for name in chosen if said[name]]
        if not items:
            if settings.most_items:
                past.leave_out(self.name, undescribed(records, "words"))
            return None
        vectors, words, idf = _fitted([said[name] for name in items], settings)
        past.say(f"trained tfidf: {len(words):,} words of {len(items):,} items")
        arrays: dict[str, Any] = {
            STARTS: vectors.starts, TERMS: vectors.terms, WEIGHTS: vectors.weights, IDF: idf,
            WORDS: np.frombuffer("\n".join(words).encode(), np.uint8),
        }  # fmt: skip
        return Artefact({**facts, "words": len(words), "without_words": len(silent)}, items, arrays)

    def open(self, artefact: Artefact | None, settings: TfidfSettings) -> TfidfScorer:
        if artefact is None:
            return TfidfScorer([], Vectors.of([], 0), Vectorizer({}, np.zeros(0), settings.words), settings.step_back)
        arrays, kept = artefact.arrays, artefact.facts["settings"]["words"]
        words = arrays[WORDS].tobytes().decode().split("\n") if len(arrays[WORDS]) else []
        vectorizer = Vectorizer({word: term for term, word in enumerate(words)}, arrays[IDF], kept)
        vectors = Vectors(arrays[STARTS], arrays[TERMS], arrays[WEIGHTS], len(words))
        return TfidfScorer(artefact.items, vectors, vectorizer, settings.step_back)


def _fitted(said: list[dict[str, float]], settings: TfidfSettings) -> tuple[Vectors, list[str], Any]:
    """Return the items' vectors, the vocabulary and the idf of each word: ln((1 + n) / (1 + df)) + 1."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfTransformer

    table = DictVectorizer()
    counts = table.fit_transform(said)
    having = counts.getnnz(axis=0)
    common = having > max(FEW, settings.common * len(said))
    chosen = greatest(np.where(common, 0, having).astype(np.float64), settings.vocabulary)
    chosen = chosen[~common[chosen]]
    words = [str(word) for word in table.get_feature_names_out()[chosen]]
    if not words:
        return Vectors.of([Vector(np.zeros(0, np.int64), np.zeros(0)) for _ in said], 0), [], np.zeros(0)
    weighed = TfidfTransformer(norm=None).fit(counts[:, chosen])
    rows = weighed.transform(counts[:, chosen]).sorted_indices()
    bounds = rows.indptr.tolist()
    vectors = [kept_of(rows.indices[a:b].astype(np.int64), rows.data[a:b], settings.words) for a, b in pairwise(bounds)]
    return Vectors.of(vectors, len(words)), words, weighed.idf_


def _learned(settings: TfidfSettings) -> dict[str, Any]:
    """Return the settings that decide what is learned."""
    return {name: value for name, value in asdict(settings).items() if name not in ("weight", "step_back")}


def _digest(records: Mapping[bytes, Item], chosen: list[bytes]) -> str:
    """Return what changes with what the records say."""
    digest = blake2b(digest_size=16)
    for name in chosen:
        item = records[name]
        texts = item.title, item.description, item.category, item.categories, item.brand, item.tags, item.tag_weights
        digest.update(repr((name, texts)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


RECOMMENDER = Tfidf()
