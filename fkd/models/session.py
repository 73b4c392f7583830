"""Opening a model file. The only place that knows onnxruntime, and the backends by name."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.models.metadata import ModelError, ModelInfo, from_metadata
from fkd.models.output import Model, ModelOutput

# A backend opens a file, with a number of threads (0: its own choice): "module:function". By name,
# because torch is imported only where it was asked for.
BACKENDS = {
    "onnx": "fkd.models.session:open_onnx",
    "torch": "fkd.training.backend:open_checkpoint",
}


def open_model(path: Path, backend: str = "onnx", threads: int = 0) -> tuple[Model, ModelInfo]:
    """A model file as a function of crops, and what it says about itself. Raises ModelError, also
    when what the backend needs is not installed."""
    module, function = BACKENDS[backend].split(":")
    try:
        opened: Callable[[Path, int], tuple[Model, ModelInfo]] = getattr(
            import_module(module), function
        )
    except ModuleNotFoundError as error:
        raise ModelError(
            f"backend {backend}: {error.name} is not installed; pip install 'fkd[train]'"
        ) from None
    return opened(path, threads)


def open_onnx(path: Path, threads: int = 0) -> tuple[Model, ModelInfo]:
    """`open_model` for .onnx files."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Threads that spin while they wait take the cores from the cascade's: a photo of 19 ms on two
    # cores takes 14 without, though a crop alone takes 2.2 instead of 1.7.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            path, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has a class of its own for every way to fail
        raise ModelError(
            f"{path}: not an ONNX model that can be run ({_first_line(error)})"
        ) from None
    info = from_metadata(session.get_modelmeta().custom_metadata_map, str(path))
    (model_input,) = session.get_inputs()

    def model(pixels: NDArray[np.uint8]) -> ModelOutput:
        return ModelOutput(*session.run(None, {model_input.name: pixels.astype(np.float32)}))

    return model, info


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:160]
