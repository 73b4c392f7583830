"""Opening a model file. The only place that knows onnxruntime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.certainty import Answer, Network
from fkd.model_info import ModelError, ModelInfo, from_metadata


def open_onnx(path: Path, threads: int = 0) -> tuple[Network, ModelInfo]:
    """A model file as a function of crops, and what it says about itself. Raises ModelError."""
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

    def network(pixels: NDArray[np.uint8]) -> Answer:
        return Answer(*session.run(None, {model_input.name: pixels.astype(np.float32)}))

    return network, info


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:160]
