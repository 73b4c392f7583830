"""What is behind the person, and what is in front."""

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.noise import fractal_noise
from fkd.synthetic.recipe import Scene

FloatArray = NDArray[np.float32]


def render_background(rng: Generator, scene: Scene, side: int) -> FloatArray:
    """Noise or a gradient with shapes on it, perhaps out of focus: float32 (side, side), 0..1."""
    picture: NDArray[Any]
    if rng.random() < scene.gradient_prob:
        ramp = np.linspace(-0.3, 0.3, side, dtype=np.float32) * np.float32(0.5)
        picture = np.float32(rng.random()) + ramp[:, None] * np.float32(rng.normal())
        picture = picture + ramp[None] * np.float32(rng.normal())
    else:
        octaves, persistence = int(rng.integers(2, 7)), rng.uniform(0.4, 0.8)
        cells = int(rng.integers(2, 6))
        texture = fractal_noise(
            rng, (side, side), octaves=octaves, persistence=persistence, cells=cells
        )
        picture = np.float32(rng.uniform(0.1, 0.8)) + np.float32(rng.uniform(0.1, 0.8)) * texture
    picture = np.ascontiguousarray(picture, np.float32)
    for _ in range(rng.poisson(scene.shapes_mean)):
        _add_shape(rng, picture)
    if rng.random() < scene.blur_prob:
        # A wide blur at a quarter of the size looks the same and takes a tenth of the time.
        small = cv2.resize(picture, (side // 4, side // 4), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), rng.uniform(*scene.blur) / 4 + 0.1)
        picture = cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(picture, 0, 1) * np.float32(rng.uniform(*scene.brightness)))


def _add_shape(rng: Generator, picture: FloatArray) -> None:
    """A box, an ellipse, a line, stripes, or letters, in place."""
    side, shade = len(picture), float(rng.random())
    x, y = (int(v) for v in rng.integers(0, side, 2))
    width, height = (int(v) for v in rng.integers(8, side // 2, 2))
    kind = rng.random()
    if kind < 0.35:
        cv2.rectangle(picture, (x, y), (x + width, y + height), shade, -1)
    elif kind < 0.6:
        turn = rng.uniform(0, 180)
        cv2.ellipse(picture, (x, y), (width // 2, height // 2), turn, 0, 360, shade, -1)
    elif kind < 0.8:
        end = [int(v) for v in rng.integers(0, side, 2)]
        cv2.line(picture, (x, y), end, shade, int(rng.integers(1, 20)))
    elif kind < 0.9:
        for row in range(y, min(y + height, side), int(rng.integers(6, 24))):
            cv2.line(picture, (x, row), (x + width, row), shade, int(rng.integers(1, 4)))
    else:
        letters = "".join(chr(c) for c in rng.integers(65, 91, 6))
        cv2.putText(picture, letters, (x - width, y), 0, rng.uniform(0.5, 3), shade, 3)


def render_occluder(
    rng: Generator, scene: Scene, picture: FloatArray, skin_brightness: float
) -> FloatArray:
    """Put a hand or a thing in front of the face, in place; returns what it hides, 0..1, (S, S).

    picture: float32 (S, S), 0..1, and skin_brightness in it. Lengths below are its pixels.
    """
    side = len(picture)
    mask = np.zeros((side, side), np.float32)
    x, y = rng.uniform(0.15, 0.85, 2) * side
    if rng.random() < scene.hand_prob:
        _add_hand(rng, mask, np.array([x, y]))
        shade = skin_brightness * rng.uniform(0.6, 1.1)
        light = 0.5 + 0.5 * cv2.GaussianBlur(mask, (0, 0), 3)
    else:
        shade = rng.random()
        light = 1 + 0.4 * fractal_noise(rng, (side, side), octaves=4, persistence=0.7, cells=6)
        if rng.random() < 0.5:
            radii = [int(v) for v in rng.uniform(8, 45, 2)]
            turn = rng.uniform(0, 180)
            cv2.ellipse(mask, (int(x), int(y)), radii, turn, 0, 360, 1.0, -1, cv2.LINE_AA)
        else:
            corners = (rng.normal(0, 28, (4, 2)) + np.array([x, y])).astype(np.int32)
            cv2.fillPoly(mask, [corners], 1.0, cv2.LINE_AA)
    picture[:] = picture * (1 - mask) + mask * (np.float32(shade) * light)
    return mask


def _add_hand(rng: Generator, mask: FloatArray, centre: NDArray) -> None:
    """Four fingers and a wrist as thick lines."""
    angle = rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    beside = np.array([-along[1], along[0]])
    width = rng.uniform(8, 14)
    palm = centre - along * 20
    for i in range(4):
        root = palm + beside * (i - 1.5) * width * 1.05
        _thick_line(mask, root, root + along * rng.uniform(30, 60), int(width))
    _thick_line(mask, palm - along * 40, palm, int(width * 4.2))


def _thick_line(mask: FloatArray, start: NDArray, end: NDArray, width: int) -> None:
    first, last = ((int(p[0]), int(p[1])) for p in (start, end))
    cv2.line(mask, first, last, 1.0, width, cv2.LINE_AA)
