"""The detectors by name. Add one by writing a function and naming it here."""

from collections.abc import Callable

from fkd.detection import haar
from fkd.detection.detections import Search
from fkd.geometry import Image

# Grey photo uint8 (H, W), and the smallest face searched for in pixels (None: the detector's own
# choice) -> what it found, boxes in the convention of `reference_box`.
Detector = Callable[[Image, int | None], Search]

DETECTORS: dict[str, Detector] = {"haar": haar.search}
