"""What a camera and a file do to a picture."""

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.preprocess import Image
from fkd.synthetic.recipe import Damage


def damaged(rng: Generator, damage: Damage, picture: NDArray[np.float32]) -> Image:
    """The picture (S, S), 0..1, after contrast, blur, low resolution, motion, noise and JPEG."""
    side = len(picture)
    picture = _seen(rng, damage, np.clip(picture, 0, 1).astype(np.float32), side)
    grey = np.asarray(np.clip(picture, 0, 1) * 255, dtype=np.uint8)
    if rng.random() < damage.jpeg_share:
        low, high = damage.jpeg
        quality = int(rng.integers(round(low), round(high) + 1))
        _, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
        grey = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return grey


def _seen(rng: Generator, damage: Damage, picture: NDArray[Any], side: int) -> NDArray[np.float32]:
    """What the sensor makes of a picture, before it is rounded and stored."""
    if rng.random() < damage.contrast_share:
        picture = (picture - 0.5) * rng.uniform(*damage.contrast) + 0.5
        picture = np.clip(picture + rng.normal(0, damage.brightness_sd), 0, 1)
    picture = picture.astype(np.float32)
    if rng.random() < damage.blur_share:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(*damage.blur))
    if rng.random() < damage.low_resolution_share:
        small = max(8, round(side * rng.uniform(*damage.low_resolution)))
        shrunk = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_CUBIC)
    if rng.random() < damage.motion_share:
        picture = cv2.filter2D(picture, -1, _streak(rng, damage.motion))
    if rng.random() < damage.noise_share:
        sigma = np.float32(rng.uniform(*damage.noise))
        picture = picture + sigma * rng.standard_normal(picture.shape, np.float32)
    return np.asarray(picture, np.float32)


def _streak(rng: Generator, length: int) -> NDArray[np.float32]:
    """A line at a random angle, as a filter that sums to 1."""
    kernel = np.zeros((length, length), np.float32)
    angle, middle = rng.uniform(0, np.pi), length // 2
    x, y = round(middle * np.cos(angle)), round(middle * np.sin(angle))
    cv2.line(kernel, (middle - x, middle - y), (middle + x, middle + y), 1.0)
    return kernel / kernel.sum()
