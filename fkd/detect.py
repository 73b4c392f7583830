"""Faces in a photo by OpenCV's Haar cascade. Nothing else knows the cascade or its box habit."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.preprocess import Box, Image

CASCADE = "haarcascade_frontalface_default.xml"
WINDOW = 24
# The photo is searched octave by octave, largest faces first, each octave on the photo shrunk so
# that its smallest face fills the window: there the cascade moves in steps of two pixels, and a
# quarter of the windows finds as many faces.
STEPS_PER_OCTAVE = 3
# Sides of an octave's largest and smallest face: it reaches one step into the next, so that a face
# between two has hits in both.
OCTAVE = 2 ** (1 + 1 / STEPS_PER_OCTAVE)
# Faces smaller than this share of the photo's longer side are not looked for.
MIN_FACE_SHARE = 0.055
# Hits that overlap are one detection. 93 % of the faces on 300-W's training photos have so many,
# and two other things on a hundred photos. Where one has, faces below this share of the smallest
# such are not looked for: the octave of the smallest faces takes three quarters of the time.
SURE = 4
NEXT_TO_SURE = 0.6
# Relative difference of the sides of hits that belong together.
OVERLAP = 0.3

# Where the 68 points lie in a cascade box, measured on 1,123 faces of YouTube Faces and 300-W:
# their bounding square's centre in box widths right of and below the box's centre, and its side.
HABIT_RIGHT = 0.006
HABIT_BELOW = 0.155
HABIT_SIDE = 0.88


@dataclass(frozen=True)
class Detection:
    """box: (x, y, width, height), photo pixels. hits: windows of the cascade that make it up."""

    box: Box
    hits: int


def find_faces(grey: Image, min_face: int | None = None) -> list[Detection]:
    """Faces in a grey photo, those of most hits first. A single hit is enough: the score of
    `Predictor` tells faces from the rest.

    grey: uint8 (H, W). min_face: side of the smallest face looked for, pixels; by default 5.5 % of
    the longer side, and no face much smaller than those that were surely found.
    """
    smallest = max(min_face or smallest_face(grey), WINDOW)
    hits: list[Box] = []
    found: list[Detection] = []
    for side in _octaves(smallest, min(grey.shape)):
        sure = [face.box[2] for face in found if face.hits >= SURE]
        least = round(NEXT_TO_SURE * min(sure)) if sure and min_face is None else 0
        if 2 * side <= least:
            break
        hits += _search(grey, max(side, least), round(OCTAVE * side))
        found = _grouped(hits)
    return sorted(found, key=lambda face: -face.hits)


def smallest_face(grey: Image) -> int:
    """The side of the smallest face that is looked for unless told otherwise, pixels."""
    return round(MIN_FACE_SHARE * max(grey.shape))


def _octaves(smallest: int, largest: int) -> list[int]:
    """The smallest face of each octave, largest octave first, photo pixels."""
    sides = []
    while smallest <= largest:
        sides.append(smallest)
        smallest *= 2
    return sides[::-1]


def _search(grey: Image, smallest: int, largest: int) -> list[Box]:
    """Every window with a side of this range that the cascade takes for a face, photo pixels."""
    zoom = WINDOW / smallest
    height, width = (max(WINDOW, round(length * zoom)) for length in grey.shape)
    small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    hits = _cascade().detectMultiScale(
        small,
        scaleFactor=2 ** (1 / STEPS_PER_OCTAVE),
        minNeighbors=0,
        minSize=(WINDOW, WINDOW),
        maxSize=(round(largest * zoom), round(largest * zoom)),
    )
    back = np.array([grey.shape[1] / width, grey.shape[0] / height] * 2)
    return [_whole(hit * back) for hit in hits]


def _grouped(hits: list[Box]) -> list[Detection]:
    # Given twice, because OpenCV drops what has no neighbour.
    boxes, counts = cv2.groupRectangles(hits * 2, 1, OVERLAP) if hits else ((), ())
    return [
        Detection(_whole(np.array(box, float)), int(count) // 2)
        for box, count in zip(boxes, np.ravel(counts), strict=True)
    ]


def _whole(box: NDArray[np.float64]) -> Box:
    x, y, width, height = (round(float(value)) for value in box)
    return x, y, width, height


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
