"""Features of pictures by a pretrained network: the packaged one, or any ONNX model by path."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adapters.models.last_layer import without_last_layer
from adapters.models.session import open_session, run_session
from adapters.pictures.backbone import SIDE, packaged, weights_path
from adapters.pictures.opening import Pixels
from schemas.errors import SettingsError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Features = NDArray[np.float32]
_TORCH_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_TORCH_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_CAFFE_MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # blue, green, red


@dataclass(frozen=True)
class Network:
    """A network that is open. ``name`` changes with its weights and with how pictures are prepared for it."""

    name: str
    session: "InferenceSession"
    output: int
    side: int
    channels_last: bool
    scaling: str

    def features(self, pictures: Sequence[Pixels]) -> Features:
        """Return the features of pictures of (side, side, 3), a row each."""
        numbers = scaled(np.stack(pictures).astype(np.float32), self.scaling)
        given = numbers if self.channels_last else np.ascontiguousarray(numbers.transpose(0, 3, 1, 2))
        out = run_session(self.session, **{self.session.get_inputs()[0].name: given})[self.output]
        if out.ndim == 4:  # a map of features: its mean over the places
            out = out.mean(axis=(1, 2) if self.channels_last else (2, 3))
        if out.ndim != 2 or len(out) != len(pictures):
            raise SettingsError(f"the model returns numbers of shape {out.shape} for {len(pictures)} pictures")
        return np.asarray(out, np.float32)


def open_network(model: str = "", scaling: str = "lite", threads: int = 1) -> Network:
    """Return the network of that file; empty: the packaged one.

    Raises: SettingsError: the file is no network that takes pictures, or a package is missing.
    """
    if not model:
        name = f"efficientnet-lite0 {_digest(weights_path().read_bytes())} lite"
        return Network(name, open_session(packaged(), "pictures", threads), 0, SIDE, False, "lite")
    path = Path(model)
    try:
        whole = path.read_bytes()
        cut = without_last_layer(whole)
    except (OSError, ValueError) as error:
        raise SettingsError(f"pictures.model: {path} cannot be read as an ONNX model: {error}") from None
    session = open_session(whole if cut is None else cut[0], "pictures", threads, str(path))
    output = 0 if cut is None else [entry.name for entry in session.get_outputs()].index(cut[1])
    side, channels_last = _input(session, path)
    name = f"{path.name} {_digest(whole)} {scaling}"
    return Network(name, session, output, side, channels_last, scaling)


def scaled(pictures: Features, scaling: str) -> Features:
    """Return pictures of (…, 3) in 0 to 255 as a network takes them: by the names that Keras gives these ways."""
    if scaling == "lite":
        return np.asarray((pictures - 127) / 128, np.float32)
    if scaling == "tf":
        return np.asarray(pictures / 127.5 - 1, np.float32)
    if scaling == "torch":
        return np.asarray((pictures / 255 - _TORCH_MEAN) / _TORCH_DEVIATION, np.float32)
    return np.asarray(pictures[..., ::-1] - _CAFFE_MEAN, np.float32)


def _input(session: "InferenceSession", path: Path) -> tuple[int, bool]:
    """Return the side of the pictures that a network takes, and whether colours come last."""
    shape = session.get_inputs()[0].shape
    if len(shape) != 4 or (shape[1] != 3 and shape[3] != 3):
        raise SettingsError(f"pictures.model: {path} takes no pictures: its input has the shape {shape}")
    channels_last = shape[1] != 3
    side = shape[1 if channels_last else 2]
    return (side if isinstance(side, int) else SIDE), channels_last


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
