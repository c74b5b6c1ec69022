"""How near the static table of ``words`` comes to the sentence encoder that it is distilled from, on held-out texts.

``items`` is a file of catalogue records, one per line. A tenth of their texts is held out. For each, the neighbours
among the others are those by the encoder's vector and those by the table's.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_layer.learning.encoding import encoded, pieces
from bench.setting import SEED, Findings, machine
from core.events.catalogue import parse_item
from recommenders.words import WordsSettings, text_of
from recommenders.words.table import distilled
from schemas.catalogue import Item
from schemas.event import Rejected

TOP = 10

Scores = NDArray[Any]


def run(items: str = "", most: int = 5_000, width: int = WordsSettings().table_width) -> dict[str, object]:
    """Return cosine, correlation and recall@10 beside the encoder, and the processor time of both."""
    findings = Findings({"machine": machine()})
    known = pieces("")
    if not items or known is None:
        return findings | {"missing": "give items=FILE of records with text, and install the encoder (make setup)"}
    texts = sorted({text_of(record) for record in _records(Path(items))} - {""})
    random = np.random.default_rng(SEED)
    texts = [texts[place] for place in random.permutation(len(texts))[:most].tolist()]
    held = len(texts) // 10
    began = time.process_time()
    exact = encoded(texts, "", print)
    assert exact is not None
    findings |= {"texts": len(texts), "encoder, processor ms per text": _ms(began, len(texts))}
    began = time.process_time()
    table = distilled(known, texts[held:], exact[held:], width)
    findings |= {"table, processor s": round(time.process_time() - began, 1)}
    began = time.process_time()
    made = [table.of(text) for text in texts[:held]]
    findings |= {"table, processor ms per text": _ms(began, held)}
    nothing = np.zeros(exact.shape[1])
    near = np.stack([nothing if vector is None else vector for vector in made])
    ours, theirs = near @ exact[held:].T, exact[:held] @ exact[held:].T
    alike = [np.corrcoef(one, other)[0, 1] for one, other in zip(ours, theirs, strict=True) if one.any()]
    kept = [len(np.intersect1d(*pair)) / TOP for pair in zip(_first(ours), _first(theirs), strict=True)]
    return findings | {
        "cosine to the encoder's vector": round(float((near * exact[:held]).sum(axis=1).mean()), 3),
        "correlation of cosines": round(float(np.mean(alike)), 3),
        f"recall@{TOP}": round(float(np.mean(kept)), 3),
    }


def _records(path: Path) -> Iterator[Item]:
    for line in path.read_bytes().splitlines():
        entry = parse_item(str(json.loads(line)["item_id"]).encode(), line)
        if entry is not None and not isinstance(entry, Rejected):
            yield entry


def _first(scores: Scores) -> list[Scores]:
    """Return the places of the greatest scores of each row."""
    return list(np.argsort(-scores, axis=1)[:, :TOP])


def _ms(began: float, count: int) -> float:
    return round(1_000 * (time.process_time() - began) / max(count, 1), 3)
