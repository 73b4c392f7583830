"""What a detector says, and which of its boxes frames a face that is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fkd.geometry import Box, Image
from fkd.geometry.boxes import box_offset, centre_distance
from fkd.geometry.roll import Frame

# A box frames a face when its centre lies this near the reference box's, in its sides, and its
# width is this much of it: four standard deviations of the cascade's scatter.
LARGEST_DISTANCE = 0.35
SMALLEST_RATIO, LARGEST_RATIO = 0.6, 1.6


@dataclass(frozen=True)
class Detection:
    """frame: of the face. score: the detector's own, 0..1; None where it has none."""

    frame: Frame
    score: float | None = None

    @property
    def box(self) -> Box:
        """(x, y, width, height), photo pixels."""
        return self.frame.box


@dataclass(frozen=True)
class Search:
    """What a detector found in a photo. detections: most confident first. min_face: the smallest
    side of a box that was searched for, pixels."""

    detections: list[Detection]
    min_face: int


@dataclass(frozen=True)
class Detector:
    """A way to find faces, one of `fkd.detection.registry.DETECTORS`.

    search: grey photo uint8 (H, W), and the smallest face searched for in pixels, None for the
    detector's own choice -> what it found. default_min_face: of a grey photo, that choice.
    smaller_min_faces: sides down to which it can be told to go, one after the other, pixels.
    window: side of the smallest face that it knows, in pixels of what it looks at: smaller ones are
    looked for in a photo that is enlarged, or not at all.
    """

    search: Callable[[Image, int | None], Search]
    default_min_face: Callable[[Image], int]
    smaller_min_faces: Callable[[Image], list[int]]
    window: int


def match_detection(detections: Sequence[Detection], reference: Box) -> Detection | None:
    """The detection that frames the face with this reference box, None when it was missed."""
    best, nearest = None, LARGEST_DISTANCE
    for detection in detections:
        ratio = box_offset(detection.box, reference)[2]
        distance = centre_distance(detection.box, reference)
        if distance < nearest and SMALLEST_RATIO < ratio < LARGEST_RATIO:
            best, nearest = detection, distance
    return best
