"""What is done to a picture, or to the box around its face, for the curves of robustness."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bench.exchange import Box
from bench.faces import Points, side_and_middle
from fkd.degradation import add_noise, blur, downscale, jpeg

Picture = NDArray[np.uint8]

TURN = "turn in the picture, degrees"
# By the name of the axis: the levels of each, mildest first.
BOX_LEVELS: dict[str, tuple[float, ...]] = {
    "box shift, box sides": (0.0, 0.05, 0.1, 0.15, 0.2, 0.25),
    "box scale": (1.0, 0.7, 0.8, 0.9, 1.1, 1.25, 1.4),
}
PICTURE_LEVELS: dict[str, tuple[float, ...]] = {
    TURN: (0, 10, 20, 30, 45),
    "blur, fraction of the face": (0.0, 0.01, 0.02, 0.03, 0.05),
    "face side, pixels": (192, 96, 64, 48, 32, 24, 16),
    "noise, fraction of 255": (0.0, 0.05, 0.1, 0.2, 0.3),
    "JPEG quality": (100, 30, 15, 8, 4),
    "brightness": (1.0, 0.3, 0.1, 0.05, 0.03),
    "covered square, face sides": (0.0, 0.2, 0.3, 0.4, 0.5),
}


def changed_box(axis: str, level: float, box: Box, rng: Generator) -> Box:
    """The box shifted by a share of its side to anywhere around, or scaled about its centre."""
    x, y, width, height = box
    if axis.startswith("box scale"):
        new = round(width * level)
        return round(x + (width - new) / 2), round(y + (height - new) / 2), new, new
    turn = rng.uniform(0, 2 * np.pi)
    right, down = level * width * np.cos(turn), level * width * np.sin(turn)
    return round(x + right), round(y + down), width, height


def about_face(points: Points, degrees: float) -> NDArray:
    """The transform (2, 3) of places that turns a picture about its face, counter-clockwise."""
    _, (x, y) = side_and_middle(points)
    return np.asarray(cv2.getRotationMatrix2D((float(x), float(y)), degrees, 1.0))


def turned(picture: Picture, transform: NDArray) -> Picture:
    """The picture (H, W, 3) with its places moved by a transform (2, 3)."""
    size = picture.shape[1], picture.shape[0]
    return np.asarray(cv2.warpAffine(picture, transform, size), np.uint8)


def moved(places: Points, transform: NDArray) -> Points:
    """Places (..., 2) under a transform (2, 3)."""
    return np.asarray(places @ transform[:, :2].T + transform[:, 2])


def moved_box(box: Box, transform: NDArray) -> Box:
    """A box of the same size around where its centre goes."""
    x, y, width, height = box
    centre = moved(np.array([x + width / 2, y + height / 2]), transform)
    return round(centre[0] - width / 2), round(centre[1] - height / 2), width, height


def degraded(axis: str, level: float, picture: Picture, points: Points, rng: Generator) -> Picture:
    """The picture (H, W, 3) with the degradation of an axis; its places stay where they are."""
    return DEGRADATIONS[axis](picture, level, points, rng)


def _blur(picture: Picture, level: float, points: Points, rng: Generator) -> Picture:
    sigma = level * side_and_middle(points)[0]
    return np.asarray(blur(picture, sigma), np.uint8) if sigma else picture


def _downscale(picture: Picture, level: float, points: Points, rng: Generator) -> Picture:
    """Shrunk until the face has this side, and enlarged again."""
    zoom = level / side_and_middle(points)[0]
    if zoom >= 1:
        return picture
    return np.asarray(downscale(picture, zoom), np.uint8)


def _noise(picture: Picture, level: float, points: Points, rng: Generator) -> Picture:
    return _rounded(add_noise(rng, picture.astype(np.float32), 255 * level))


def _jpeg(picture: Picture, level: float, points: Points, rng: Generator) -> Picture:
    return picture if level >= 100 else jpeg(picture, int(level))


def _dark(picture: Picture, level: float, points: Points, rng: Generator) -> Picture:
    """Fewer steps of brightness, as a dark photo has."""
    return _rounded(picture * level)


def _cover(picture: Picture, level: float, points: Points, rng: Generator) -> Picture:
    """A square of one grey anywhere on the face."""
    if not level:
        return picture
    side = side_and_middle(points)[0]
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = (rng.uniform(low, np.maximum(low, high - level * side))).round().astype(int)
    covered = picture.copy()
    width = round(level * side)
    covered[max(0, y) : y + width, max(0, x) : x + width] = rng.integers(0, 256)
    return covered


def _rounded(values: NDArray) -> Picture:
    return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)


DEGRADATIONS: dict[str, Callable[[Picture, float, Points, Generator], Picture]] = {
    "blur, fraction of the face": _blur,
    "face side, pixels": _downscale,
    "noise, fraction of 255": _noise,
    "JPEG quality": _jpeg,
    "brightness": _dark,
    "covered square, face sides": _cover,
}
