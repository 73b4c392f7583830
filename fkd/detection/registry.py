"""The detectors by name. Add one by writing a function and naming it here."""

from collections.abc import Callable

from fkd.detection import haar
from fkd.detection.detections import Detection
from fkd.geometry import Image

# Grey photo uint8 (H, W), and the smallest face searched for in pixels (None: the detector's own
# choice) -> detections, most confident first, boxes in the convention of `reference_box`.
Detector = Callable[[Image, int | None], list[Detection]]

DETECTORS: dict[str, Detector] = {"haar": haar.find_faces}
