"""The detectors by name. Add one by writing a function and naming it here."""

from collections.abc import Callable
from pathlib import Path

from fkd.detection.detections import Detector
from fkd.detection.haar import open_haar
from fkd.detection.neural import open_neural
from fkd.models.metadata import ModelError

# Each opens a detector with so many threads, 0 for the libraries' own choice.
DETECTORS: dict[str, Callable[[int], Detector]] = {"haar": open_haar, "neural": open_neural}
# The choice of none: each photo is one face that fills it.
NO_DETECTOR = "none"


def open_named(name: str, threads: int = 0, source: str = "detector") -> Detector:
    """A detector by its name, or a network that the pipeline trained by its .onnx file.

    source: where the name comes from, for messages. Raises ValueError for a name that is neither,
    ModelError when the file cannot be used.
    """
    if name in DETECTORS:
        return DETECTORS[name](threads)
    if name.endswith(".onnx"):
        if not Path(name).is_file():
            raise ModelError(f"{name}: no such detector; give {', '.join(DETECTORS)} or a file")
        return open_neural(threads, Path(name))
    known = ", ".join([*DETECTORS, NO_DETECTOR])
    raise ValueError(f"{source} {name!r} is not one of {known}, nor a detector's .onnx file")
