"""Encoders of sentences in BERT's shape (Devlin et al. 2019) as ONNX: pieces in, one vector out.

A vector is the mean over the pieces, of length 1. MiniLM (Wang et al. 2020) is an encoder of six layers. The graph is
written from the weights, so no framework is needed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.models.graph import INT64, model, node, value

IDS, MASK, VECTORS = "ids", "mask", "vectors"
WORDS, PLACES, KINDS = (f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type"))
AWAY = 1e9  # taken off the score of a place without a piece

Weights = Mapping[str, NDArray[Any]]


def encoder(weights: Weights, layers: int, heads: int, epsilon: float) -> bytes:
    """Return the model: ``ids`` and ``mask``, shape (texts, pieces), to ``vectors``, shape (texts, width).

    Raises: KeyError: a weight is missing, so these are not those of such an encoder.
    """
    return _Writer(weights, heads, epsilon).written(layers)


class _Writer:
    """Writes the graph node by node; each method returns the name of what its last node gives."""

    def __init__(self, weights: Weights, heads: int, epsilon: float) -> None:
        self._weights, self._epsilon = weights, epsilon
        self._width = weights[WORDS].shape[1]
        self._nodes: list[bytes] = []
        self._constants: dict[str, NDArray[Any]] = {}
        self._by_head = self._numbers(0, 0, heads, self._width // heads)
        self._joined = self._numbers(0, 0, self._width)
        self._scale = self._number((self._width // heads) ** -0.5)

    def written(self, layers: int) -> bytes:
        state, bias = self._embedded(), self._bias()
        for layer in range(layers):
            state = self._layer(state, f"encoder.layer.{layer}", bias)
        mask = self._add("Unsqueeze", MASK, self._numbers(2))
        total = self._add("ReduceSum", self._add("Mul", state, mask), self._numbers(1), keepdims=0)
        self._nodes.append(node("LpNormalization", [total], VECTORS, axis=-1, p=2))
        inputs = [value(IDS, ["texts", "pieces"], INT64), value(MASK, ["texts", "pieces"])]
        return model(self._nodes, self._constants, inputs, [value(VECTORS, ["texts", self._width])])

    def _embedded(self) -> str:
        words = self._add("Gather", self._weight(WORDS), IDS, axis=0)
        self._constants[PLACES] = (self._weights[PLACES] + self._weights[KINDS][0]).astype(np.float32)
        length = self._add("Slice", self._add("Shape", IDS), self._numbers(1), self._numbers(2))
        places = self._add("Slice", PLACES, self._numbers(0), length)
        return self._normed(self._add("Add", words, places), "embeddings.LayerNorm")

    def _bias(self) -> str:
        """Return what keeps attention off the places without a piece."""
        mask = self._add("Unsqueeze", MASK, self._numbers(1, 2))
        return self._add("Mul", self._add("Sub", mask, self._number(1.0)), self._number(AWAY))

    def _layer(self, given: str, name: str, bias: str) -> str:
        own = f"{name}.attention.self"
        query = self._heads(self._dense(given, f"{own}.query"), [0, 2, 1, 3])
        key = self._heads(self._dense(given, f"{own}.key"), [0, 2, 3, 1])
        content = self._heads(self._dense(given, f"{own}.value"), [0, 2, 1, 3])
        scores = self._add("Add", self._add("Mul", self._add("MatMul", query, key), self._scale), bias)
        mixed = self._add("MatMul", self._add("Softmax", scores, axis=-1), content)
        joined = self._add("Reshape", self._add("Transpose", mixed, perm=[0, 2, 1, 3]), self._joined)
        attended = self._added(self._dense(joined, f"{name}.attention.output.dense"), given, f"{name}.attention.output")
        inner = self._gelu(self._dense(attended, f"{name}.intermediate.dense"))
        return self._added(self._dense(inner, f"{name}.output.dense"), attended, f"{name}.output")

    def _added(self, one: str, other: str, name: str) -> str:
        return self._normed(self._add("Add", one, other), f"{name}.LayerNorm")

    def _heads(self, given: str, order: list[int]) -> str:
        return self._add("Transpose", self._add("Reshape", given, self._by_head), perm=order)

    def _gelu(self, given: str) -> str:
        """Return x · Φ(x)."""
        erf = self._add("Erf", self._add("Mul", given, self._number(0.5**0.5)))
        half = self._add("Mul", given, self._number(0.5))
        return self._add("Mul", half, self._add("Add", erf, self._number(1.0)))

    def _dense(self, given: str, name: str) -> str:
        self._constants[f"{name}.weight"] = self._weights[f"{name}.weight"].T.astype(np.float32)
        return self._add("Add", self._add("MatMul", given, f"{name}.weight"), self._weight(f"{name}.bias"))

    def _normed(self, given: str, name: str) -> str:
        scale, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._add("LayerNormalization", given, scale, shift, axis=-1, epsilon=self._epsilon)

    def _add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind} {len(self._nodes)}"
        self._nodes.append(node(kind, inputs, output, **attributes))
        return output

    def _weight(self, name: str) -> str:
        self._constants[name] = self._weights[name].astype(np.float32)
        return name

    def _number(self, number: float) -> str:
        self._constants[repr(number)] = np.array(number, np.float32)
        return repr(number)

    def _numbers(self, *numbers: int) -> str:
        self._constants[repr(numbers)] = np.array(numbers, np.int64)
        return repr(numbers)
