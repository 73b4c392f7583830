"""What cameras and files do to a picture: blur, few pixels, noise, JPEG. How much is the caller's.

Pictures are float32 or uint8 (H, W) or (H, W, 3); sizes are in their pixels.
"""

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.geometry import Image


def blur(picture: NDArray[Any], sigma: float) -> NDArray[Any]:
    """A Gaussian blur, pixels."""
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def downscale(picture: NDArray[Any], ratio: float, enlarge: int = cv2.INTER_LINEAR) -> NDArray[Any]:
    """Shrunk to `ratio` of its sides, at least 8 pixels, and enlarged by OpenCV's `enlarge`."""
    height, width = picture.shape[:2]
    small = max(8, round(width * ratio)), max(8, round(height * ratio))
    shrunk = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (width, height), interpolation=enlarge)


def add_noise(rng: Generator, picture: NDArray[np.float32], std: float) -> NDArray[np.float32]:
    """Gaussian noise of a standard deviation in units of the picture."""
    return picture + np.float32(std) * rng.standard_normal(picture.shape, np.float32)


def jpeg(picture: Image, quality: int) -> Image:
    """A uint8 picture, grey or BGR, as JPEG of this quality (0..100) gives it back."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    kind = cv2.IMREAD_GRAYSCALE if picture.ndim == 2 else cv2.IMREAD_COLOR
    return np.asarray(cv2.imdecode(data, kind), dtype=np.uint8)
