"""Models of ONNX's format as bytes, weights read as data alone, and a classifier without its last layer."""

import io
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.models.graph import model, node, value
from adapters.models.last_layer import without_last_layer
from adapters.models.session import open_session, run_session
from adapters.models.torch_file import MAGIC, read_weights
from schemas.errors import SettingsError


def classifier(*, dense: str = "Gemm") -> bytes:
    """A mean over each colour, doubled, and two classes told from it."""
    weights = np.array([[1, 0, 0], [0, 1, 1]], np.float32).T.copy()
    nodes = [
        node("GlobalAveragePool", ["pictures"], "pooled"),
        node("Flatten", ["pooled"], "flat", axis=1),
        node("Add", ["flat", "flat"], "features"),
        node(dense, ["features", "weights"], "logits"),
        node("Softmax", ["logits"], "classes", axis=1),
    ]
    return model(nodes, {"weights": weights}, [value("pictures", ("n", 3, 8, 8))], [value("classes", ("n", 2))])


def test_a_written_model_runs() -> None:
    session = open_session(classifier(), "pictures")
    red = np.zeros((1, 3, 8, 8), np.float32)
    red[:, 0] = 1
    (classes,) = run_session(session, pictures=red)
    assert classes == pytest.approx(np.array([[np.exp(2), 1]]) / (np.exp(2) + 1), abs=1e-5)


@pytest.mark.parametrize("dense", ["Gemm", "MatMul"])
def test_without_its_last_layer_a_classifier_returns_what_it_tells_classes_from(dense: str) -> None:
    cut = without_last_layer(classifier(dense=dense))
    assert cut is not None
    session = open_session(cut[0], "pictures")
    outputs = dict(zip([o.name for o in session.get_outputs()], run_session(session, pictures=_noise()), strict=True))
    assert cut[1] == "features"
    assert outputs["features"] == pytest.approx(2 * _noise().mean(axis=(2, 3)), abs=1e-5)


def test_a_model_that_ends_in_features_stays_as_it_is() -> None:
    nodes = [node("GlobalAveragePool", ["pictures"], "features")]
    whole = model(nodes, {}, [value("pictures", ("n", 3, 8, 8))], [value("features", ("n", 3, 1, 1))])
    assert without_last_layer(whole) is None


@pytest.mark.parametrize("broken", [b"\x3a\xff\xff\x7f", b"\xff" * 20, classifier()[:-30]])
def test_a_damaged_model_is_refused(broken: bytes) -> None:
    with pytest.raises(SettingsError, match="no ONNX model"):
        open_session(broken, "pictures")


def test_a_model_says_what_it_does_not_take() -> None:
    with pytest.raises(SettingsError, match="does not take this input"):
        run_session(open_session(classifier(), "pictures"), pictures=np.zeros((1, 3, 9, 9), np.float32))


class TestWeights:
    def test_arrays_are_read_as_they_lie_in_their_storage(self, tmp_path: Path) -> None:
        path = _weights_file(tmp_path, _named("torch._utils", "_rebuild_tensor_v2"), size=6)
        assert read_weights(path)["kernel"].tolist() == [[0, 2, 4], [1, 3, 5]]

    def test_a_call_of_anything_else_is_refused_and_not_made(self, tmp_path: Path) -> None:
        path = _weights_file(tmp_path, _named("os", "system"), size=6)
        with pytest.raises(SettingsError, match=r"it names os\.system"):
            read_weights(path)

    def test_an_array_beyond_its_numbers_is_refused(self, tmp_path: Path) -> None:
        path = _weights_file(tmp_path, _named("torch._utils", "_rebuild_tensor_v2"), size=5)
        with pytest.raises(SettingsError, match="beyond its numbers"):
            read_weights(path)

    @pytest.mark.parametrize("content", [b"", b"\x80\x02K\x01.", b"PK\x03\x04 of a later format", b"cos\nsystem\n."])
    def test_another_file_is_refused_with_the_remedy(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(SettingsError, match="give an ONNX file instead"):
            read_weights(tmp_path / "other")


def _noise() -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(3).normal(size=(2, 3, 8, 8)).astype(np.float32)


def _named(module: str, name: str) -> type:
    """A class that a pickle names so."""
    return type(name, (), {"__module__": module, "__qualname__": name})


def _weights_file(folder: Path, call: type, size: int) -> Path:
    """A file as PyTorch wrote them, with one array of (2, 3) that lies column by column in ``size`` numbers."""
    out = io.BytesIO()
    for entry in (MAGIC, 1001, {"little_endian": True}):
        pickle.dump(entry, out, 2)
    # By hand, as no class of that name need exist here: OrderedDict([("kernel", call(storage, 0, shape, steps))]).
    rest = b"K\x00K\x02K\x03\x86K\x01K\x02\x86\x89)t"  # offset, shape, steps, False, ()
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x00aX\x03\x00\x00\x00cpuK%cNtQ" % size
    array = f"c{call.__module__}\n{call.__qualname__}\n".encode() + b"(" + storage + rest + b"R"
    out.write(b"\x80\x02ccollections\nOrderedDict\n)RX\x06\x00\x00\x00kernel" + array + b"s.")
    pickle.dump(["a"], out, 2)
    out.write(struct.pack("<q", size) + np.arange(size, dtype="<f4").tobytes())
    (folder / "weights.pth").write_bytes(out.getvalue())
    return folder / "weights.pth"
