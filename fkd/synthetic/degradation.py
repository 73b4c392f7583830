"""What a camera and a file do to a rendered picture."""

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.degradation import add_noise, blur, downscale, jpeg
from fkd.geometry import Image
from fkd.synthetic.recipe import Degradation


def degrade(rng: Generator, degradation: Degradation, picture: NDArray[np.float32]) -> Image:
    """The picture (S, S), 0..1, as uint8 after contrast, blur, downscaling, motion, noise, JPEG."""
    picture = _record(rng, degradation, np.clip(picture, 0, 1).astype(np.float32))
    grey = np.asarray(np.clip(picture, 0, 1) * 255, dtype=np.uint8)
    if rng.random() < degradation.jpeg_prob:
        low, high = degradation.jpeg
        grey = jpeg(grey, int(rng.integers(low, high + 1)))
    return grey


def _record(rng: Generator, degradation: Degradation, picture: NDArray[Any]) -> NDArray[np.float32]:
    """What the sensor makes of a picture, before it is rounded and stored."""
    if rng.random() < degradation.contrast_prob:
        picture = (picture - 0.5) * rng.uniform(*degradation.contrast) + 0.5
        picture = np.clip(picture + rng.normal(0, degradation.brightness_std), 0, 1)
    picture = picture.astype(np.float32)
    if rng.random() < degradation.blur_prob:
        picture = blur(picture, rng.uniform(*degradation.blur))
    if rng.random() < degradation.downscale_prob:
        picture = downscale(picture, rng.uniform(*degradation.downscale), cv2.INTER_CUBIC)
    if rng.random() < degradation.motion_blur_prob:
        streak = _sample_streak(rng, degradation.motion_blur)
        picture = np.asarray(cv2.filter2D(picture, -1, streak))
    if rng.random() < degradation.noise_prob:
        picture = add_noise(rng, picture, rng.uniform(*degradation.noise))
    return np.asarray(picture, np.float32)


def _sample_streak(rng: Generator, length: int) -> NDArray[np.float32]:
    """The kernel of a motion blur: a line at a random angle, float32 (length, length), sum 1."""
    kernel = np.zeros((length, length), np.float32)
    angle, middle = rng.uniform(0, np.pi), length // 2
    x, y = round(middle * np.cos(angle)), round(middle * np.sin(angle))
    cv2.line(kernel, (middle - x, middle - y), (middle + x, middle + y), 1.0)
    return kernel / kernel.sum()
