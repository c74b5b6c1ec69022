"""Texts as vectors for the recommenders that learn from them; the encoder is opened once per process."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from adapters.models.texts import TextModel, open_text_model
from adapters.terminal.progress import progress
from schemas.errors import SettingsError

_opened: Callable[[str], TextModel] = lru_cache(1)(open_text_model)


def encoded(texts: Sequence[str], text_model: str, say: Callable[[str], None]) -> NDArray[np.float32] | None:
    """Return a vector of length 1 for each text, shape (texts, width); None, with a sentence, without an encoder.

    Args: text_model: its folder; empty: the installed one.
    """
    try:
        encoder = _opened(text_model)
        out, done = np.zeros((len(texts), encoder.width), np.float32), 0
        with progress("encoding texts", len(texts)) as reached:
            for places, vectors in encoder.encoded(texts):
                out[places] = vectors
                reached(done := done + len(places))
    except SettingsError as error:
        say(f"words are left out: {error}")
        return None
    return out
