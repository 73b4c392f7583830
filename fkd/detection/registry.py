"""The detectors by name. Add one by writing a function and naming it here."""

from collections.abc import Callable

from fkd.detection.detections import Detector
from fkd.detection.haar import open_haar
from fkd.detection.neural import open_neural

# Each opens a detector with so many threads, 0 for the libraries' own choice.
DETECTORS: dict[str, Callable[[int], Detector]] = {"haar": open_haar, "neural": open_neural}
