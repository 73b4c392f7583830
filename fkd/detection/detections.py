"""What a detector says, and which of its boxes frames a face that is known."""

from collections.abc import Sequence
from dataclasses import dataclass

from fkd.geometry import Box
from fkd.geometry.boxes import box_offset, centre_distance

# A box frames a face when its centre lies this near the reference box's, in its sides, and its
# width is this much of it: four standard deviations of the cascade's scatter.
LARGEST_DISTANCE = 0.35
SMALLEST_RATIO, LARGEST_RATIO = 0.6, 1.6


@dataclass(frozen=True)
class Detection:
    """box: (x, y, width, height), photo pixels. confident: whether the detector alone is as good as
    sure that it is a face."""

    box: Box
    confident: bool


@dataclass(frozen=True)
class Search:
    """What a detector found in a photo. detections: most confident first. min_face: the smallest
    side of a box that was searched for, pixels."""

    detections: list[Detection]
    min_face: int


def match_detection(detections: Sequence[Detection], reference: Box) -> Detection | None:
    """The detection that frames the face with this reference box, None when it was missed."""
    best, nearest = None, LARGEST_DISTANCE
    for detection in detections:
        ratio = box_offset(detection.box, reference)[2]
        distance = centre_distance(detection.box, reference)
        if distance < nearest and SMALLEST_RATIO < ratio < LARGEST_RATIO:
            best, nearest = detection, distance
    return best
