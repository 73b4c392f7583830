"""Random changes of a training face: of photo, box and points before the crop, of pixels after."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.datasets.store import Face
from fkd.landmarks import flip_points
from fkd.params import Augment
from fkd.preprocess import Box, CropSpec, Image, crop_face, to_crop


def augmented_crop(
    face: Face,
    spec: CropSpec,
    augment: Augment,
    rng: np.random.Generator,
    label_shift: float = 0.0,
) -> tuple[Image, NDArray[np.float32]]:
    """A randomly changed crop, uint8 (size, size), and its points in crop pixels.

    label_shift: how far right of the face its points lie, cut-out pixels. Mirrored as they are,
    they would lie as far to the left, and a network cannot learn both.
    """
    grey, points, box = face.grey, face.points, face.box
    if rng.random() < augment.flip:
        width = grey.shape[1]
        grey = np.ascontiguousarray(grey[:, ::-1])
        points = flip_points(points, width)
        points = points + np.array([2 * label_shift, 0], np.float32)
        box = (width - box[0] - box[2], *box[1:])
    moved, fine = _jittered(box, spec, augment, rng)
    crop = crop_face(grey, moved, fine, angle=float(rng.normal(0.0, augment.rotate)))
    return change_pixels(crop.pixels, augment, rng), to_crop(points, crop.transform)


def _jittered(
    box: Box, spec: CropSpec, augment: Augment, rng: np.random.Generator
) -> tuple[Box, CropSpec]:
    """The box moved by whole pixels, and the crop's scale changed."""
    side = spec.scale * max(box[2:])
    dx, dy = rng.uniform(-augment.shift, augment.shift, 2) * side
    scale = spec.scale * float(np.exp(rng.uniform(-augment.scale, augment.scale)))
    # shift_y counts in box sides, so the cut's centre stays where it was.
    return (
        (box[0] + round(dx), box[1] + round(dy), box[2], box[3]),
        CropSpec(spec.size, scale, spec.shift_y),
    )


def change_pixels(pixels: Image, augment: Augment, rng: np.random.Generator) -> Image:
    """Contrast, gamma, blur, low resolution, noise and a covering box, each with its share."""
    size = pixels.shape[0]
    changed: NDArray[Any] = pixels.astype(np.float32) / 255
    if rng.random() < augment.contrast_share:
        gain = np.exp(rng.normal(0, augment.contrast))
        changed = (changed - 0.5) * gain + 0.5 + rng.normal(0, augment.brightness)
    changed = np.clip(changed, 0, 1).astype(np.float32)
    if rng.random() < augment.gamma_share:
        changed = changed ** np.float32(np.exp(rng.normal(0, augment.gamma)))
    if rng.random() < augment.blur_share:
        changed = cv2.GaussianBlur(changed, (0, 0), rng.uniform(0.3, max(augment.blur, 0.3)))
    if rng.random() < augment.low_resolution_share:
        small = max(8, round(size * rng.uniform(augment.low_resolution, 0.5)))
        shrunk = cv2.resize(changed, (small, small), interpolation=cv2.INTER_AREA)
        changed = cv2.resize(shrunk, (size, size))
    if rng.random() < augment.noise_share:
        sigma = rng.uniform(0, augment.noise)
        changed = changed + rng.standard_normal(changed.shape, np.float32) * np.float32(sigma)
    if rng.random() < augment.occlude_share:
        width, height = rng.integers(
            size // 8, max(size // 8 + 1, round(size * augment.occlude)), 2
        )
        x, y = rng.integers(0, size - width + 1), rng.integers(0, size - height + 1)
        changed[y : y + height, x : x + width] = rng.random()
    return np.asarray(np.round(np.clip(changed, 0, 1) * 255), dtype=np.uint8)
