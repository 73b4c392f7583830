"""Pixels of any depth and number of channels as uint8 BGR, a strip of the picture at a time: whole
copies would take several times the memory of the picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from fkd.geometry import Image
from fkd.io.image_errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

STRIP_PIXELS = 1_000_000
# EXIF orientations: those that swap rows and columns, and what OpenCV's flip is then told (1: left
# and right, 0: top and bottom, -1: both).
TRANSPOSED = (5, 6, 7, 8)
FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}


@dataclass(frozen=True)
class Picture:
    """The first picture of a file. pixels: uint8 (H, W, 3) BGR. several: whether the file has more,
    frames or pages, which are not read."""

    pixels: Image
    several: bool = False


def to_bgr(picture: "PillowImage") -> Image:
    """uint8 (H, W, 3) BGR of a loaded picture. Raises ImageError for floats that are not finite."""
    width, height = picture.size
    image = np.empty((height, width, 3), np.uint8)
    for top, bottom in _strips(height, width):
        image[top:bottom] = _strip_to_bgr(picture.crop((0, top, width, bottom)))
    return image


def bgra_to_bgr(image: Image) -> Image:
    """uint8 (H, W, 3) of an image (H, W, 4) whose last channel is opacity, laid on white."""
    from PIL import Image as Pillow  # takes 30 ms

    flat = np.empty((*image.shape[:2], 3), np.uint8)
    for top, bottom in _strips(*image.shape[:2]):
        strip = cv2.cvtColor(image[top:bottom], cv2.COLOR_BGRA2RGBA)
        flat[top:bottom] = _strip_to_bgr(Pillow.fromarray(strip))
    return flat


def _strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    """First row and end of each strip."""
    step = max(1, STRIP_PIXELS // width)
    return ((top, min(top + step, height)) for top in range(0, height, step))


def _strip_to_bgr(strip: "PillowImage") -> Image:
    from PIL import Image as Pillow  # takes 30 ms

    if strip.mode == "F" or strip.mode.startswith("I"):  # Pillow would clip these, not scale
        grey = _deep_grey(np.asarray(strip, np.float32), 1.0 if strip.mode == "F" else 65535.0)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if strip.has_transparency_data:
        clear = strip.convert("RGBA")
        strip = Pillow.new("RGB", clear.size, "white")
        strip.paste(clear, mask=clear)
    return np.asarray(cv2.cvtColor(np.asarray(strip.convert("RGB")), cv2.COLOR_RGB2BGR), np.uint8)


def _deep_grey(values: np.ndarray, white: float) -> Image:
    """Grey levels from 0 to `white` as uint8; what lies beyond is black or white."""
    if not np.isfinite(values).all():
        raise ImageError("has samples that are not finite numbers")
    return np.asarray(cv2.convertScaleAbs(values.clip(0, white), alpha=255 / white))


def turned(image: Image, orientation: int) -> Image:
    """The picture as it was held, by its EXIF orientation, 1 to 8."""
    if orientation in TRANSPOSED:
        image = np.asarray(cv2.transpose(image))
    return np.asarray(cv2.flip(image, FLIPS[orientation])) if orientation in FLIPS else image
