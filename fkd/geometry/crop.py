"""From a photo and a box to the crop that the network sees, and back.

Training, evaluation, the parity check and inference all call `crop_face`: a network that is
trained on one framing of the face and fed another is the classic fault of landmark projects.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Box, Image, Points


@dataclass(frozen=True)
class CropSpec:
    """How a face box becomes the network's input.

    size: side of the square crop, pixels. scale: side of the square that is cut over the box's
    longer side. shift_y: how far the square's centre lies below the box's centre, in box sides: by
    the box convention (`boxes`) the 68 points lie 0.155 box widths below it.
    """

    size: int = 128
    scale: float = 1.2
    shift_y: float = 0.155


@dataclass(frozen=True)
class Crop:
    """pixels: uint8, (size, size), or (size, size, 3) of a colour image. transform: float64 (2, 3),
    photo pixels to crop pixels."""

    pixels: Image
    transform: NDArray[np.float64]


def to_grey(image: Image) -> Image:
    """Grey uint8 (H, W) of a photo that is grey (H, W) or BGR (H, W, 3)."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def crop_centre(box: Box, shift_y: float) -> tuple[float, float]:
    """Centre (x, y) of the square that is cut for a box, photo pixels, centres at integers."""
    x, y, width, height = box
    return x + (width - 1) / 2, y + (height - 1) / 2 + shift_y * max(width, height)


def crop_face(grey: Image, box: Box, spec: CropSpec, angle: float = 0.0) -> Crop:
    """Cut the face in `box` out of a grey photo; what lies outside the photo is black.

    grey: uint8 (H, W). box: (x, y, width, height), photo pixels, in `reference_box`'s convention.
    angle: degrees that the face is turned counter-clockwise in the crop.
    The result depends on the pixels around the box alone, so a face chip with the box moved along
    gives the same crop to the bit. Raises ValueError for an empty box.
    """
    if min(box[2:]) <= 0:
        raise ValueError(f"box {box} is empty: its width and height must be positive")
    centre = np.array(crop_centre(box, spec.shift_y))
    return cut_square(grey, centre, spec.scale * max(box[2:]), spec.size, angle)


def cut_square(
    image: Image, centre: NDArray[np.float64], side: float, size: int, angle: float
) -> Crop:
    """The square of a photo, scaled to `size` pixels; what lies outside the photo is black.

    image: uint8, (H, W) or (H, W, 3). centre: (x, y), and side: photo pixels. angle: degrees that
    the photo is turned counter-clockwise in the crop.
    """
    # A bilinear warp skips pixels when it shrinks by more than two, so average them first.
    shrink = max(1, int(side // size))
    reach = side / 2 * (abs(np.cos(np.radians(angle))) + abs(np.sin(np.radians(angle))))
    origin = np.floor(centre - reach).astype(int) - shrink
    cells = int(np.ceil((2 * reach + 2) / shrink)) + 2
    region = _cut(image, int(origin[0]), int(origin[1]), cells * shrink)
    if shrink > 1:
        region = np.asarray(cv2.resize(region, (cells, cells), interpolation=cv2.INTER_AREA))
    zoom = size / side
    turn = np.radians(angle)
    linear = zoom * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = (size - 1) / 2
    inside = (centre - origin - (shrink - 1) / 2) / shrink  # the centre in the region's pixels
    warp = np.column_stack([linear * shrink, middle - linear * shrink @ inside])
    pixels = cv2.warpAffine(region, warp, (size, size), flags=cv2.INTER_LINEAR)
    return Crop(np.asarray(pixels), np.column_stack([linear, middle - linear @ centre]))


def _cut(image: Image, x: int, y: int, side: int) -> Image:
    """The square with its corner at (x, y), padded with black where it leaves the photo."""
    square = np.zeros((side, side, *image.shape[2:]), np.uint8)
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + side, image.shape[1]), min(y + side, image.shape[0])
    if left < right and top < bottom:
        square[top - y : bottom - y, left - x : right - x] = image[top:bottom, left:right]
    return square


@dataclass(frozen=True)
class CropBatch:
    """pixels: uint8 (N, 1, S, S), a network's input. transforms: float64 (N, 2, 3), photo pixels to
    crop pixels."""

    pixels: NDArray[np.uint8]
    transforms: NDArray[np.float64]

    def to_photo(self, points_crop: Points) -> Points:
        """Points (N, 68, 2) of the crops in pixels of their photos."""
        pairs = zip(points_crop, self.transforms, strict=True)
        return np.stack([to_photo(points, transform) for points, transform in pairs])


def zoom_of(transform: NDArray[np.float64]) -> float:
    """Crop pixels for each photo pixel of a transform (2, 3)."""
    return float(np.hypot(*transform[0, :2]))


def crop_batch(
    framed: Iterable[tuple[Image, Box]], spec: CropSpec, rolls: Sequence[float] | None = None
) -> CropBatch:
    """The crops of some grey photos (H, W) and boxes in them, at least one; rolls: by how many
    degrees each face is turned clockwise in its photo, to be upright in its crop."""
    pairs = list(framed)
    angles = [0.0] * len(pairs) if rolls is None else rolls
    crops = [
        crop_face(grey, box, spec, angle) for (grey, box), angle in zip(pairs, angles, strict=True)
    ]
    pixels = np.stack([crop.pixels[None] for crop in crops])
    return CropBatch(pixels, np.stack([crop.transform for crop in crops]))


def to_crop(points: Points, transform: NDArray[np.float64]) -> Points:
    """Points (..., 2) in photo pixels -> crop pixels."""
    return (points @ transform[:, :2].T + transform[:, 2]).astype(np.float32)


def to_photo(points_crop: Points, transform: NDArray[np.float64]) -> Points:
    """Points (..., 2) in crop pixels -> float32 photo pixels: the inverse of `to_crop`."""
    inverse = np.linalg.inv(transform[:, :2])
    return ((points_crop - transform[:, 2]) @ inverse.T).astype(np.float32)
