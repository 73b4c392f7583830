"""Faces in a photo by OpenCV's Haar cascade. Nothing else knows the cascade or its box habit."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.preprocess import Box, Image

CASCADE = "haarcascade_frontalface_default.xml"
SCALE_FACTOR = 1.2
# Loose: it finds 3 % more of 300-W's faces than 2 does, and twice as many boxes that are none.
MIN_NEIGHBORS = 1
# Faces smaller than this share of the photo's longer side are not looked for: on a 3648 px photo
# that takes detection from seconds to a tenth of one and drops most false faces.
MIN_FACE_SHARE = 0.05
# The cascade's window is 24 px; a little more than that keeps its recall on the shrunk photo.
SMALLEST_SEARCHED = 30

# Where the 68 points lie in a cascade box, measured on 1,123 faces of YouTube Faces and 300-W:
# their bounding square's centre in box widths right of and below the box's centre, and its side.
HABIT_RIGHT = 0.006
HABIT_BELOW = 0.155
HABIT_SIDE = 0.88


@dataclass(frozen=True)
class Detection:
    """box: (x, y, width, height), photo pixels. score: the cascade's last sum, higher is surer."""

    box: Box
    score: float


def find_faces(grey: Image, min_face: int | None = None) -> list[Detection]:
    """Faces in a grey photo, best score first.

    grey: uint8 (H, W). min_face: side of the smallest face looked for, pixels; by default 5 % of
    the longer side. The photo is shrunk so that this side is just above the cascade's window.
    """
    smallest = max(min_face or round(MIN_FACE_SHARE * max(grey.shape)), 1)
    zoom = min(1.0, SMALLEST_SEARCHED / smallest)
    size = (max(1, round(grey.shape[1] * zoom)), max(1, round(grey.shape[0] * zoom)))
    small = grey if zoom == 1.0 else cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    if min(small.shape) < 24:
        return []
    boxes, _, weights = _cascade().detectMultiScale3(
        small,
        scaleFactor=SCALE_FACTOR,
        minNeighbors=MIN_NEIGHBORS,
        minSize=(round(smallest * zoom), round(smallest * zoom)),
        outputRejectLevels=True,
    )
    across, down = grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]
    found = [
        Detection(
            (round(x * across), round(y * down), round(w * across), round(h * down)), float(score)
        )
        for (x, y, w, h), score in zip(boxes, np.ravel(weights), strict=True)
    ]
    return sorted(found, key=lambda face: -face.score)


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / CASCADE))


def habit_box(points: NDArray[np.float32]) -> Box:
    """The box that the cascade would most likely draw around these points, photo pixels.

    points: float (68, 2). Whole pixels, so that it is the same number in a cut-out of the photo.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    side = float((high - low).max()) / HABIT_SIDE
    x = (low[0] + high[0]) / 2 - HABIT_RIGHT * side - side / 2 + 0.5
    y = (low[1] + high[1]) / 2 - HABIT_BELOW * side - side / 2 + 0.5
    return round(float(x)), round(float(y)), max(1, round(side)), max(1, round(side))


def habit_errors(box: Box, points: NDArray[np.float32]) -> tuple[float, float, float]:
    """How a box differs from the habit: shift right, shift down (habit box sides), size ratio."""
    x, y, side, _ = habit_box(points)
    right = (box[0] + box[2] / 2 - x - side / 2) / side
    down = (box[1] + box[3] / 2 - y - side / 2) / side
    return right, down, box[2] / side


def matching(found: list[Detection], points: NDArray[np.float32]) -> Detection | None:
    """The detection that frames the face with these points, or None when it was missed.

    A box fits when its centre is within 0.35 habit boxes of where the habit puts it and its side
    is 0.6 to 1.6 of the habit's: four standard deviations of the scatter measured above.
    """
    best, nearest = None, 0.35
    for face in found:
        right, down, ratio = habit_errors(face.box, points)
        distance = float(np.hypot(right, down))
        if distance < nearest and 0.6 < ratio < 1.6:
            best, nearest = face, distance
    return best
