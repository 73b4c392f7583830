"""What camera and file make of a scene."""

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.datasets.scenes.params import SceneParams
from fkd.degradation import add_noise, blur, downscale, jpeg
from fkd.geometry import Image


def photographed(
    rng: Generator, pixels: NDArray[np.float32], params: SceneParams
) -> tuple[Image, NDArray[np.bool_]]:
    """The picture (S, S), 0..255, as uint8 after contrast, gamma, blur, fewer pixels, noise, JPEG
    and a black margin; and which pixels are inside that margin, bool (S, S)."""
    picture = _recorded(rng, np.clip(pixels / 255, 0, 1).astype(np.float32), params)
    grey = np.asarray(np.round(np.clip(picture, 0, 1) * 255), np.uint8)
    if rng.random() < params.jpeg_prob:
        grey = jpeg(grey, int(rng.integers(25, 96)))
    inside = np.ones(grey.shape, np.bool_)
    if rng.random() < params.margin_prob:
        kept = round(len(grey) * rng.uniform(0.5, 1))
        inside[kept:] = False
        if rng.random() < 0.5:
            inside = inside.T
        grey = np.where(inside, grey, 0).astype(np.uint8)
    return grey, inside


def _recorded(rng: Generator, picture: NDArray[Any], params: SceneParams) -> NDArray[np.float32]:
    """The picture, 0..1, as the sensor records it."""
    gain = np.float32(np.exp(rng.normal(0, params.contrast_std)))
    picture = (picture - 0.5) * gain + np.float32(0.5 + rng.normal(0, 0.08))
    gamma = np.float32(np.exp(rng.normal(0, params.gamma_std)))
    picture = np.clip(picture, 0, 1) ** gamma
    if rng.random() < params.blur_prob:
        if rng.random() < 0.7:
            picture = blur(picture, float(np.exp(rng.uniform(np.log(0.4), np.log(3)))))
        else:
            picture = cv2.blur(picture, (int(rng.integers(2, 9)), 1))
    if rng.random() < params.downscale_prob:
        picture = downscale(picture, rng.uniform(0.2, 0.8), cv2.INTER_LINEAR)
    if rng.random() < params.noise_prob:
        picture = add_noise(
            rng,
            np.asarray(picture, np.float32),
            float(np.exp(rng.uniform(np.log(0.005), np.log(0.1)))),
        )
    return np.asarray(picture, np.float32)
