"""Texts as vectors for the recommenders that learn from them; encoder and vectors are kept while the process lives."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from adapters.models.texts import TextModel, open_text_model
from adapters.terminal.progress import progress
from recommenders.port import Pieces
from schemas.errors import SettingsError

MOST_KEPT = 50_000  # vectors: an evaluation learns from the same texts many times; MiniLM's take 1.5 KB each

Vector = NDArray[np.float32]

_opened: Callable[[str], TextModel] = lru_cache(1)(open_text_model)
_kept: dict[tuple[str, str], Vector] = {}  # by encoder and text


def encoded(texts: Sequence[str], text_model: str, leave_out: Callable[[str], None]) -> NDArray[np.float32] | None:
    """Return a vector of length 1 for each text, shape (texts, width); None, with the reason, without an encoder.

    Args: text_model: its folder; empty: the installed one.      leave_out: takes the reason.
    """
    lacking = [text for text in dict.fromkeys(texts) if (text_model, text) not in _kept]
    try:
        new = dict(zip(lacking, _now(lacking, text_model), strict=True)) if lacking else {}
    except SettingsError as error:
        leave_out(str(error))
        return None
    rows = [new[text] if text in new else _kept[text_model, text] for text in texts]
    if len(_kept) + len(new) <= MOST_KEPT:
        _kept.update({(text_model, text): row for text, row in new.items()})
    return np.stack(rows) if rows else None


def pieces(text_model: str) -> Pieces | None:
    """Return the pieces of words that this encoder reads; None without an encoder, as ``encoded`` says."""
    try:
        encoder = _opened(text_model)
    except SettingsError:
        return None
    return Pieces(encoder.pieces, encoder.embeddings)


def _now(texts: Sequence[str], text_model: str) -> NDArray[np.float32]:
    encoder = _opened(text_model)
    out, done = np.zeros((len(texts), encoder.width), np.float32), 0
    with progress("encoding texts", len(texts)) as reached:
        for places, vectors in encoder.encoded(texts):
            out[places] = vectors
            reached(done := done + len(places))
    return out
