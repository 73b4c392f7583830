"""What hides a face, and what is like one and is none."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.datasets.scenes.store import Picture
from fkd.geometry import Image, Points

# Points of the jaw, and of the bridge of the nose, that a mask over mouth and nose is tied to.
MASK_OUTLINE = (*range(2, 15), 28)
TILES = 3  # a face that is taken apart, across and down


def draw_cover(
    rng: Generator,
    pixels: NDArray[np.float32],
    alpha: Image,
    points: Points,
    backgrounds: Sequence[Picture],
) -> None:
    """Put a mask, a hand or a thing before a face, in place; only where the head is.

    pixels: (H, W), 0..255, with alpha. points: (68, 2).
    """
    shape = np.zeros(pixels.shape, np.float32)
    size = float(np.ptp(points, axis=0).max())
    if rng.random() < 0.35:
        outline = points[list(MASK_OUTLINE)] + rng.normal(0, 0.01 * size, (len(MASK_OUTLINE), 2))
        cv2.fillPoly(shape, [outline.astype(np.int32)], 1.0, cv2.LINE_AA)
    else:
        _blob(rng, shape, points[int(rng.integers(68))], size)
    skin = float(np.median(pixels[alpha > 200])) if rng.random() < 0.5 else None
    shape *= alpha / np.float32(255)
    pixels *= 1 - shape
    pixels += shape * cloth(rng, backgrounds, len(pixels), skin)


def _blob(rng: Generator, shape: NDArray[np.float32], centre: NDArray, size: float) -> None:
    """A hand of four fingers, or an ellipse, in place."""
    x, y = centre
    turn = rng.uniform(0, np.pi)
    along = np.array([np.cos(turn), np.sin(turn)]) * size
    if rng.random() < 0.5:
        axes = [int(v) for v in rng.uniform(0.12, 0.4, 2) * size]
        cv2.ellipse(shape, (int(x), int(y)), axes, float(np.degrees(turn)), 0, 360, 1.0, -1)
        return
    beside = np.array([-along[1], along[0]]) * 0.13
    for finger in range(4):
        start = centre + beside * (finger - 1.5)
        end = start + along * rng.uniform(0.4, 0.7)
        first, last = ([int(v) for v in p] for p in (start, end))
        cv2.line(shape, first, last, 1.0, max(1, round(0.11 * size)), cv2.LINE_AA)


def cloth(
    rng: Generator, backgrounds: Sequence[Picture], side: int, shade: float | None = None
) -> NDArray[np.float32]:
    """Something of a random or about the given shade, with a background's texture: float32
    (side, side), 0..255."""
    picture = backgrounds[int(rng.integers(len(backgrounds)))].pixels
    cut = round(min(*picture.shape, 2 * side) * float(rng.uniform(0.3, 1)))
    y, x = (int(rng.integers(length - cut + 1)) for length in picture.shape)
    part = cv2.resize(picture[y : y + cut, x : x + cut], (side, side)).astype(np.float32)
    shade = float(rng.uniform(20, 240)) if shade is None else shade * float(rng.uniform(0.7, 1.2))
    texture = (part - part.mean()) * np.float32(rng.uniform(0, 0.7))
    return np.clip(shade + texture, 0, 255)


def jumbled(rng: Generator, pixels: NDArray[np.float32], points: Points) -> NDArray[np.float32]:
    """A head with the parts of its face in other places: skin, eyes and a mouth, and no face."""
    changed = pixels.copy()
    low, high = points.min(axis=0), points.max(axis=0)
    tile = np.maximum((high - low) / TILES, 2).astype(int)
    corners = [
        np.clip(low + tile * (column, row), 0, np.array(pixels.shape[::-1]) - tile).astype(int)
        for row in range(TILES)
        for column in range(TILES)
    ]
    order = rng.permutation(len(corners))
    order = np.roll(order, 1) if (order == np.arange(len(corners))).mean() > 0.3 else order
    for to, source in zip(corners, order, strict=True):
        (x, y), (from_x, from_y) = to, corners[source]
        part = pixels[from_y : from_y + tile[1], from_x : from_x + tile[0]]
        changed[y : y + tile[1], x : x + tile[0]] = part[:: int(rng.choice([-1, 1]))]
    return changed
