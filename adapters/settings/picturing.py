"""The section of the settings that says how pictures become vectors."""

from dataclasses import dataclass

from core.settings import setting

SCALINGS = ("lite", "tf", "torch", "caffe")


@dataclass(frozen=True)
class PictureSettings:
    """Pictures of items ([pictures](pictures.md))."""

    model: str = setting(
        "", "the path of an ONNX model whose features are taken; its last dense layer is left out",
        variable="pictures_model", why="its weights come with the extra `pictures`", default_is="EfficientNet-Lite0",
    )  # fmt: skip
    scaling: str = setting(
        "torch", "how `model` takes colours, by Keras's names: `tf`, `torch`, `caffe`, or `lite`: (x − 127) / 128",
        one_of=SCALINGS, variable="pictures_scaling", why="most models in ONNX's format come from PyTorch",
    )  # fmt: skip
    dimensions: int = setting(
        96, "numbers kept of a picture's features", at_least=2, at_most=4_096, variable="pictures_dimensions",
        why="64 to 128 find as well as all 1,280 ([quality](quality.md))",
    )  # fmt: skip
    distance: str = setting(
        "cosine", "`cosine` or `euclidean`, where a question names none", one_of=("cosine", "euclidean"),
        variable="pictures_distance", why="it finds a little better on photographs of clothes",
    )  # fmt: skip
