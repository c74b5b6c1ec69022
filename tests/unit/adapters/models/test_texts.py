"""Sentence encoders: a small one made up here against a slow twin, and MiniLM by the figures of its authors."""

import json
import struct
from importlib.util import find_spec
from math import erf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from adapters.models.safetensors import read_safetensors
from adapters.models.texts import PACKAGE, TextModel, open_text_model
from core.text.wordpiece import pieces_of
from schemas.errors import SettingsError

Array = NDArray[Any]
LAYERS, HEADS, WIDTH, INNER = 2, 2, 8, 12
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "green", "tea", "pot", "##s", "##pot", "!", "茶", "e"]
VOCABULARY = {word: number for number, word in enumerate(WORDS)}


def made_up() -> dict[str, Array]:
    """Weights of a small encoder."""
    rng = np.random.default_rng(5)

    def dense(name: str, out: int, given: int) -> dict[str, Array]:
        return {f"{name}.weight": rng.normal(0, 0.5, (out, given)), f"{name}.bias": rng.normal(0, 0.1, out)}

    def norm(name: str) -> dict[str, Array]:
        return {f"{name}.weight": rng.normal(1, 0.1, WIDTH), f"{name}.bias": rng.normal(0, 0.1, WIDTH)}

    sizes = {"word": len(WORDS), "position": 16, "token_type": 2}
    weights = {f"embeddings.{kind}_embeddings.weight": rng.normal(0, 1, (n, WIDTH)) for kind, n in sizes.items()}
    weights |= norm("embeddings.LayerNorm")
    for layer in range(LAYERS):
        own = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            weights |= dense(f"{own}.attention.self.{part}", WIDTH, WIDTH)
        weights |= dense(f"{own}.attention.output.dense", WIDTH, WIDTH) | norm(f"{own}.attention.output.LayerNorm")
        weights |= dense(f"{own}.intermediate.dense", INNER, WIDTH)
        weights |= dense(f"{own}.output.dense", WIDTH, INNER) | norm(f"{own}.output.LayerNorm")
    return {name: array.astype(np.float32) for name, array in weights.items()}


def safetensors(arrays: dict[str, Array]) -> bytes:
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        entry = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        header[name] = entry  # type: ignore[assignment]
        data += array.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def folder(place: Path, weights: dict[str, Array]) -> Path:
    (place / "model.safetensors").write_bytes(safetensors(weights))
    sizes = {"num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "layer_norm_eps": 1e-6}
    (place / "config.json").write_text(json.dumps(sizes))
    (place / "vocab.txt").write_text("\n".join(WORDS), "utf-8")
    return place


def slowly(weights: dict[str, Array], pieces: list[int]) -> Array:
    """The encoder's equations, one text at a time, in 64-bit floats."""

    def dense(given: Array, name: str) -> Array:
        out: Array = given @ weights[f"{name}.weight"].T.astype(float) + weights[f"{name}.bias"]
        return out

    def normed(given: Array, name: str) -> Array:
        scaled = (given - given.mean(1, keepdims=True)) / np.sqrt(given.var(1, keepdims=True) + 1e-6)
        out: Array = scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]
        return out

    kinds = "word", "position", "token_type"
    table = {kind: weights[f"embeddings.{kind}_embeddings.weight"].astype(float) for kind in kinds}
    state = normed(
        table["word"][pieces] + table["position"][: len(pieces)] + table["token_type"][0], "embeddings.LayerNorm"
    )
    for layer in range(LAYERS):
        own, size = f"encoder.layer.{layer}", WIDTH // HEADS
        query, key, content = (dense(state, f"{own}.attention.self.{part}") for part in ("query", "key", "value"))
        heads = []
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            scores = np.exp(query[:, part] @ key[:, part].T / np.sqrt(size))
            heads.append(scores / scores.sum(1, keepdims=True) @ content[:, part])
        attended = dense(np.hstack(heads), f"{own}.attention.output.dense")
        state = normed(state + attended, f"{own}.attention.output.LayerNorm")
        inner = dense(state, f"{own}.intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(erf)(inner / np.sqrt(2)))
        state = normed(state + dense(inner, f"{own}.output.dense"), f"{own}.output.LayerNorm")
    mean = state.mean(0)
    out: Array = mean / np.sqrt(mean @ mean)
    return out


def vectors(model: TextModel, texts: list[str]) -> Array:
    out = np.zeros((len(texts), model.width), np.float32)
    for places, rows in model.encoded(texts):
        out[places] = rows
    return out


def test_texts_of_any_length_get_the_vectors_of_the_encoders_equations(tmp_path: Path) -> None:
    weights = made_up()
    model = open_text_model(str(folder(tmp_path, weights)))
    texts = ["green tea", "tea", "", "Green teapots! unheard 茶", "tea " * 5]
    expected = [slowly(weights, pieces_of(text, VOCABULARY, 16)) for text in texts]
    np.testing.assert_allclose(vectors(model, texts), expected, atol=2e-6)
    np.testing.assert_allclose(vectors(model, texts[1:2]), expected[1:2], atol=2e-6)


def test_words_are_split_into_the_longest_known_pieces() -> None:
    def split(text: str, most: int = 20) -> list[str]:
        return [WORDS[number] for number in pieces_of(text, VOCABULARY, most)]

    assert split("Green TEAPOTS!") == ["[CLS]", "green", "tea", "##pot", "##s", "!", "[SEP]"]
    assert split("é\t\x00茶茶 pot\u200b\ufffd") == ["[CLS]", "e", "茶", "茶", "pot", "[SEP]"]
    assert split("teax" + " " + "e" * 101) == ["[CLS]", "[UNK]", "[UNK]", "[SEP]"]
    assert split("tea " * 50, 4) == ["[CLS]", "tea", "tea", "[SEP]"]


def test_a_folder_that_does_not_fit_is_named_with_the_remedy(tmp_path: Path) -> None:
    place = folder(tmp_path, made_up())

    def refused() -> str:
        with pytest.raises(SettingsError) as error:
            open_text_model(str(place))
        assert str(place) in str(error.value)
        return str(error.value)

    (place / "model.safetensors").write_bytes(
        safetensors({"embeddings.word_embeddings.weight": np.zeros((2, 2), "f4")})
    )
    assert "text_model" in refused()
    for broken in (b"", b"x" * 20, struct.pack("<Q", 1 << 40)):
        (place / "model.safetensors").write_bytes(broken)
        refused()
    (place / "vocab.txt").write_text("tea")
    refused()
    (place / "config.json").unlink()
    assert "pip install" in refused()


def test_weights_are_read_as_they_were_written() -> None:
    weights = made_up()
    read = read_safetensors(safetensors(weights))
    assert read.keys() == weights.keys()
    assert all(np.array_equal(read[name], array) for name, array in weights.items())


@pytest.mark.skipif(find_spec(PACKAGE) is None, reason="MiniLM's weights are not installed")
def test_minilm_has_the_similarities_that_its_authors_give() -> None:
    said = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    rows = vectors(open_text_model(), said)
    cosines = rows @ rows.T
    assert cosines[[0, 0, 1], [1, 2, 2]] == pytest.approx([0.6660, 0.1046, 0.1411], abs=5e-5)
