"""Faces by the detector network."""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fkd.detection.detections import Detection, Detector, Search
from fkd.detection.maps import Candidates, decode, joined, suppressed
from fkd.geometry import Image
from fkd.geometry.boxes import box_around
from fkd.geometry.roll import Frame, crop_roll, roll_of
from fkd.models.detector import STRIDES, DetectorNetwork, open_detector
from fkd.models.zoo import DETECTOR

# The longer side that a photo is brought to, pixels, unless smaller faces are asked for, and the
# side of the smallest face that the network has learned to find.
DEFAULT_SIDE = 320
SMALLEST_FACE = 8
# A face that is smaller than this where it is searched for, pixels, and of at least this score, has
# a closer look taken at the photo, at twice the size: in a group the network is sure of some faces
# and not of their neighbours.
SMALL_FACE, SURE_SCORE, CLOSER = 40, 0.55, 2.0
# A larger picture is searched in tiles, which overlap by as much as the largest face that is
# searched for in them; what is larger is searched for at a smaller size.
TILE, OVERLAP = 640, 128
SIZE_STEP = OVERLAP / SMALLEST_FACE / 2


def open_neural(threads: int = 0, path: Path = DETECTOR) -> Detector:
    """The packaged detector, or another one's file. Raises ModelError."""
    network, info = open_detector(path, threads)

    def search(grey: Image, min_face: int | None = None) -> Search:
        zoom = _zoom(grey, min_face or default_min_face(grey))
        found = find(network, grey, info.min_score, zoom)
        if min_face is not None:
            found = found.chosen(found.faces[:, 2] >= min_face)
        elif zoom < 1 and _shows_small_faces(found, zoom):
            zoom = min(1.0, CLOSER * zoom)
            closer = _find_at(network, grey, info.min_score, zoom)
            found = suppressed(joined([found, closer]))
        return Search(_detections(found), max(math.ceil(SMALLEST_FACE / zoom), min_face or 1))

    return Detector(search, default_min_face, smaller_min_faces, SMALLEST_FACE)


def default_min_face(grey: Image) -> int:
    """The side of the smallest face that is found by default, pixels."""
    return max(1, math.ceil(SMALLEST_FACE * max(grey.shape) / DEFAULT_SIDE))


def smaller_min_faces(grey: Image) -> list[int]:
    """Halves of `default_min_face`, one after the other, down to what is found without enlarging
    the photo, pixels."""
    sides, side = [], default_min_face(grey)
    while side > SMALLEST_FACE:
        side = max(SMALLEST_FACE, side // 2)
        sides.append(side)
    return sides


def _zoom(grey: Image, min_face: float) -> float:
    """The size at which a photo shows faces of this side to the network; the photo is enlarged no
    further than to DEFAULT_SIDE."""
    least = DEFAULT_SIDE / max(grey.shape)
    return max(least, min(1.0, SMALLEST_FACE / min_face))


def _shows_small_faces(found: Candidates, zoom: float) -> bool:
    small = found.faces[:, 2] * zoom < SMALL_FACE
    return bool((small & (found.scores >= SURE_SCORE)).any())


def find(network: DetectorNetwork, grey: Image, min_score: float, zoom: float) -> Candidates:
    """The faces of a grey photo, uint8 (H, W), in its pixels, most certain first.

    min_score: lowest score, 0..1. zoom: ratio of the size at which the smallest faces are searched
    for and the photo's; larger ones are searched for at smaller sizes too.
    """
    least = min(zoom, DEFAULT_SIDE / max(grey.shape))
    found = [_find_at(network, grey, min_score, zoom)]
    while zoom > least:
        zoom = max(least, zoom / SIZE_STEP)
        found.append(_find_at(network, grey, min_score, zoom))
    return suppressed(joined(found))


def _find_at(network: DetectorNetwork, grey: Image, min_score: float, zoom: float) -> Candidates:
    """What the network finds in a photo brought to another size, in the photo's pixels."""
    small = _resized(grey, zoom)
    found = []
    for tile, corner in _tiles(small):
        of_tile = decode(network(_padded(tile)), min_score)
        found.append(of_tile.moved(corner, 1.0))
    return joined(found).moved((0, 0), 1 / zoom)


def _resized(grey: Image, zoom: float) -> Image:
    """A photo brought to `zoom` times its size."""
    height, width = (max(1, round(length * zoom)) for length in grey.shape)
    # OpenCV halves even sides fifteen times as fast as it averages other areas; at four times
    # the wanted size and more, that differs from their mean by 0.4 of 255.
    while zoom <= 0.125 and not any(length % 2 for length in grey.shape):
        half = (grey.shape[1] // 2, grey.shape[0] // 2)
        grey, zoom = np.asarray(cv2.resize(grey, half, interpolation=cv2.INTER_AREA)), 2 * zoom
    # Averaging areas takes five times as long, and so little shrinking does not need it.
    how = cv2.INTER_AREA if zoom < 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (width, height), interpolation=how), np.uint8)


def _tiles(small: Image) -> Iterator[tuple[Image, tuple[int, int]]]:
    """Overlapping parts of a picture, and their corners (x, y); all of it where it is small."""
    rows, columns = (_starts(length) for length in small.shape)
    for y in rows:
        for x in columns:
            yield small[y : y + TILE, x : x + TILE], (x, y)


def _starts(length: int) -> list[int]:
    """Where tiles begin along a side, evenly spread."""
    count = 1 if length <= TILE else math.ceil((length - OVERLAP) / (TILE - OVERLAP))
    return [round(i * (length - TILE) / max(1, count - 1)) for i in range(count)]


def _padded(tile: Image) -> Image:
    """The tile in the corner of a black picture whose sides the network takes."""
    step = STRIDES[-1]
    height, width = (-(-length // step) * step for length in tile.shape)
    padded = np.zeros((height, width), np.uint8)
    padded[: tile.shape[0], : tile.shape[1]] = tile
    return padded


def _detections(found: Candidates) -> list[Detection]:
    detections = []
    for score, (x, y, side), five in zip(found.scores, found.faces, found.five, strict=True):
        frame = Frame(box_around(x, y, side), crop_roll(roll_of(five)))
        detections.append(Detection(frame, float(score)))
    return detections
