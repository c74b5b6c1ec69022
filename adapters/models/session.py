"""Runs models of ONNX's format by onnxruntime, which the extras that need it bring."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

QUIET = 3  # onnxruntime's level of messages: errors alone


def open_session(model: bytes, extra: str, threads: int = 1, name: str = "the model") -> "InferenceSession":
    """Return the model, ready to run.

    Args:
        extra: the optional part of Millrace that brings the runtime, for the sentence where it is missing.
        name: of the model, for errors.
        threads: of one run. They wait asleep: beside an engine or a server, spinning ones take its cores.
    Raises: SettingsError: onnxruntime is not installed, or the file is no model that it can run.
    """
    try:
        from onnxruntime import InferenceSession, SessionOptions
    except ImportError:
        raise SettingsError(without("onnxruntime", extra)) from None
    options = SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = QUIET
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its errors share no class
        raise SettingsError(f"{name} is no ONNX model that onnxruntime can run: {first_line(error)}") from None


def run_session(session: "InferenceSession", **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
    """Return the outputs of a run. Raises SettingsError: the model does not take such inputs."""
    try:
        outputs: list[NDArray[np.float32]] = session.run(None, inputs)
    except Exception as error:  # noqa: BLE001 - as above
        raise SettingsError(f"the model does not take this input: {first_line(error)}; give another model") from None
    return outputs


def without(package: str, extra: str) -> str:
    """Return the sentence about a package that is not installed."""
    return f"{extra} need the package {package}, which is not installed: run `pip install 'millrace[{extra}]'`"


def first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
