"""Texts are encoded once in a process, and a missing encoder is a sentence."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from batch_layer.learning import encoding
from batch_layer.learning.encoding import encoded


class Lengths:
    """Encodes a text as its length; remembers what it was asked."""

    width = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encoded(self, texts: Sequence[str]) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        self.asked += texts
        for place in reversed(range(len(texts))):
            yield [place], np.array([[len(texts[place]), 1]], np.float32)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Lengths:
    made = Lengths()
    monkeypatch.setattr(encoding, "_opened", lambda _: made)
    monkeypatch.setattr(encoding, "_kept", {})
    return made


def test_a_text_is_encoded_once_whatever_the_order(encoder: Lengths) -> None:
    first = encoded(["a", "bbb", "a"], "", print)
    second = encoded(["bbb", "cc"], "", print)
    assert first is not None
    assert second is not None
    assert first[:, 0].tolist() == [1, 3, 1]
    assert second[:, 0].tolist() == [3, 2]
    assert encoder.asked == ["a", "bbb", "cc"]
    encoded(["a"], "another", print)
    assert encoder.asked[-1] == "a"


def test_beyond_what_is_kept_texts_are_encoded_all_the_same(encoder: Lengths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MOST_KEPT", 1)
    for _ in range(2):
        answer = encoded(["a", "bb"], "", print)
        assert answer is not None
        assert answer[:, 0].tolist() == [1, 2]


def test_without_an_encoder_the_remedy_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    said: list[str] = []
    assert encoded(["a"], str(tmp_path_factory.mktemp("nothing")), said.append) is None
    assert "text_model" in said[0]
