"""Faces by OpenCV's Haar cascade for frontal faces. Nothing else knows the cascade."""

import math
import threading
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.detection.detections import Detection, Detector, Search
from fkd.geometry import Box, Image
from fkd.geometry.roll import Frame

CASCADE = "haarcascade_frontalface_default.xml"
WINDOW = 24
# The photo is searched octave by octave, largest faces first, each octave on the photo shrunk so
# that its smallest face fills the window: there the cascade moves in steps of two pixels, and a
# quarter of the windows finds as many faces.
STEPS_PER_OCTAVE = 3
STEP = 2 ** (1 / STEPS_PER_OCTAVE)
# Ratio of the sides of an octave's largest and smallest face: it reaches one step into the next,
# so that a face between two is found in both.
OCTAVE = 2 * STEP
# Faces smaller than this ratio of the photo's longer side are not searched for.
MIN_FACE_RATIO = 0.055
# Windows that overlap are one detection, and its neighbours. 93 % of the faces on 300-W's training
# photos have so many neighbours, and two other things on a hundred photos. Beside such a confident
# detection, faces below this ratio of its side are not searched for: the octave of the smallest
# faces takes three quarters of the time.
CONFIDENT_NEIGHBOURS = 4
SMALLEST_BESIDE_CONFIDENT = 0.6
# Relative difference of the sides of windows that belong together.
GROUP_TOLERANCE = 0.3

_of_thread = threading.local()


def open_haar(threads: int = 0) -> Detector:
    """The cascade. threads: nothing to it, as OpenCV's are the process's."""
    return Detector(search, default_min_face, smaller_min_faces, WINDOW)


def find_faces(grey: Image, min_face: int | None = None) -> list[Detection]:
    """The detections of `search`."""
    return search(grey, min_face).detections


def search(grey: Image, min_face: int | None = None) -> Search:
    """Faces in a grey photo, those of most neighbours first. A single window is enough: the face
    score of the landmark model tells faces from the rest.

    grey: uint8 (H, W). min_face: side of the smallest face searched for, pixels; by default
    `default_min_face`, and no face much smaller than a confident detection.
    """
    reached = smallest = max(min_face or default_min_face(grey), WINDOW)
    windows: list[Box] = []
    found: list[_Group] = []
    for side in _octaves(smallest, min(grey.shape)):
        confident = [box[2] for box, neighbours in found if neighbours >= CONFIDENT_NEIGHBOURS]
        least = 0
        if confident and min_face is None:
            least = round(SMALLEST_BESIDE_CONFIDENT * min(confident))
        if 2 * side <= least:
            break
        reached = max(side, least)
        windows += _search(grey, reached, round(OCTAVE * side))
        found = _grouped(windows)
    return Search([Detection(Frame(box)) for box, _ in found], reached)


def default_min_face(grey: Image) -> int:
    """The side of the smallest face that is searched for first unless told otherwise, pixels."""
    return max(WINDOW, round(MIN_FACE_RATIO * max(grey.shape)))


def smaller_min_faces(grey: Image) -> list[int]:
    """The sides down to which the search for faces smaller than `default_min_face` goes, one after
    the other, pixels: half of the one before, the last the cascade's window."""
    return _octaves(WINDOW, math.floor(default_min_face(grey) / STEP))


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
    windows = _cascade().detectMultiScale(
        small,
        scaleFactor=STEP,
        minNeighbors=0,
        minSize=(WINDOW, WINDOW),
        maxSize=(round(largest * zoom), round(largest * zoom)),
    )
    back = np.array([grey.shape[1] / width, grey.shape[0] / height] * 2)
    return [_whole(window * back) for window in windows]


class _Group(NamedTuple):
    """Windows that overlap. box: their mean, photo pixels. neighbours: how many they are."""

    box: Box
    neighbours: int


def _grouped(windows: list[Box]) -> list[_Group]:
    """Windows that overlap as one group each, those of most neighbours first."""
    # Given twice, because OpenCV drops what has no neighbour.
    boxes, counts = cv2.groupRectangles(windows * 2, 1, GROUP_TOLERANCE) if windows else ((), ())
    neighbours = np.ravel(counts).astype(int) // 2
    return [
        _Group(_whole(np.array(boxes[i], float)), int(neighbours[i]))
        for i in np.argsort(-neighbours, kind="stable")
    ]


def _whole(box: NDArray[np.float64]) -> Box:
    x, y, width, height = (round(float(value)) for value in box)
    return x, y, width, height


def _cascade() -> cv2.CascadeClassifier:
    """The cascade of the calling thread: one that searches holds the picture inside it."""
    if not hasattr(_of_thread, "cascade"):
        path = Path(cv2.__file__).parent / "data" / CASCADE
        _of_thread.cascade = cv2.CascadeClassifier(str(path))
    return _of_thread.cascade
