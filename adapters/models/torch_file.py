"""Weights in PyTorch's file format of before 2020, read without PyTorch and without running what a file says.

A file of that format is a row of pickles, and a pickle may call anything. The reader here knows three names, which make
dictionaries and arrays, and refuses every other one.
"""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SettingsError

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
Weights = dict[str, NDArray[Any]]


def read_weights(path: Path) -> Weights:
    """Return the arrays of a file by name.

    Raises: SettingsError: it is none of that format, or names something that weights do not need.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        why = f"{path} is no file of weights that can be read safely ({error})"
        raise SettingsError(f"{why}: give an ONNX file instead") from None


def _read(file: BinaryIO) -> Weights:
    if _Reader(file, {}).load() != MAGIC:
        raise ValueError("another beginning")
    for _ in range(2):  # the protocol's version, and the machine that wrote the file
        _Reader(file, {}).load()
    storages: dict[str, tuple[np.dtype[Any], NDArray[Any]]] = {}
    named = _Reader(file, storages).load()
    for key in _Reader(file, {}).load():
        size = int.from_bytes(file.read(8), "little")
        kind, array = storages[key]
        if size != len(array):
            raise ValueError("an array of another length")
        array[:] = np.frombuffer(file.read(size * kind.itemsize), kind)
    return {name: tensor.array() for name, tensor in named.items()}


class _Tensor:
    """An array that is a part of a storage, whose numbers come later in the file."""

    def __init__(self, storage: NDArray[Any], offset: int, shape: tuple[int, ...], steps: tuple[int, ...], *_: Any):
        self._storage, self._offset, self._shape, self._steps = storage, offset, shape, steps

    def array(self) -> NDArray[Any]:
        last = self._offset + sum((size - 1) * step for size, step in zip(self._shape, self._steps, strict=True))
        if min((self._offset, *self._steps)) < 0 or 0 in self._shape or last >= len(self._storage):
            raise ValueError("an array beyond its numbers")
        bytes_apart = [step * self._storage.itemsize for step in self._steps]
        part = np.lib.stride_tricks.as_strided(self._storage[self._offset :], self._shape, bytes_apart, writeable=False)
        return part.copy()


class _Reader(pickle.Unpickler):
    """Reads a pickle of arrays; ``storages``: by key, filled as they are named."""

    def __init__(self, file: BinaryIO, storages: dict[str, tuple[np.dtype[Any], NDArray[Any]]]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        what, kind, key, _, size, view = pid
        if what != "storage" or view is not None or not isinstance(kind, np.dtype) or not 0 <= size < 1 << 28:
            raise pickle.UnpicklingError("it holds something else than arrays")
        if key not in self._storages:
            self._storages[key] = kind, np.zeros(size, kind)
        return self._storages[key][1]
