"""Random changes of a training face: of photo, box and points before the crop, of pixels after."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fkd.datasets.store import LabelledFace
from fkd.degradation import add_noise, blur, downscale
from fkd.geometry import Box, Image, Points
from fkd.geometry.crop import CropSpec, crop_face, to_crop, zoom_of
from fkd.ground_truth import GroundTruth
from fkd.io.config import Section
from fkd.landmarks import flip_points

Probability = Annotated[float, Field(ge=0, le=1)]
Std = Annotated[float, Field(ge=0)]


class AugmentParams(Section):
    """Random changes of a training face. Each `*_prob` is the probability of its change."""

    shift: Annotated[
        float,
        Field(ge=0, le=1, description="Of the box, to all sides evenly up to this, in crop sides."),
    ]
    scale: Annotated[
        float, Field(ge=0, le=1, description="Of the box, evenly up to this log ratio, both ways.")
    ]
    rotate_std: Annotated[Std, Field(description="Standard deviation of the rotation, degrees.")]
    flip_prob: Annotated[Probability, Field(description="Of a horizontal flip.")]
    contrast_prob: Annotated[Probability, Field(description="Of another contrast and brightness.")]
    contrast_std: Annotated[Std, Field(description="Standard deviation of the log gain.")]
    brightness_std: Annotated[
        Std, Field(description="Standard deviation of the brightness, fraction of full scale.")
    ]
    gamma_prob: Annotated[Probability, Field(description="Of another gamma.")]
    gamma_std: Annotated[Std, Field(description="Standard deviation of the log of gamma.")]
    blur_prob: Annotated[Probability, Field(description="Of a Gaussian blur.")]
    blur_max: Annotated[float, Field(ge=0, description="Largest sigma of the blur, crop pixels.")]
    downscale_prob: Annotated[Probability, Field(description="Of fewer pixels.")]
    downscale_min: Annotated[
        float,
        Field(
            ge=0,
            le=0.5,
            description="Smallest ratio that the crop is shrunk to; the largest is 0.5.",
        ),
    ]
    noise_prob: Annotated[Probability, Field(description="Of Gaussian noise.")]
    noise_max: Annotated[
        float, Field(ge=0, description="Largest standard deviation of the noise, fraction of 255.")
    ]
    random_erasing_prob: Annotated[
        Probability, Field(description="Of a rectangle of one grey laid over the crop.")
    ]
    random_erasing_max: Annotated[
        float, Field(ge=0, le=1, description="Largest side of the rectangle, in crop sides.")
    ]


class TrainingCrop(NamedTuple):
    """pixels: uint8 (S, S). points: float32 (68, 2), crop pixels. truth: of a synthetic face, its
    depth in crop pixels, its pose in the crop."""

    pixels: Image
    points: Points
    truth: GroundTruth | None


def augmented_crop(
    face: LabelledFace,
    spec: CropSpec,
    augment: AugmentParams,
    rng: np.random.Generator,
    label_offset_px: float = 0.0,
) -> TrainingCrop:
    """A randomly changed crop.

    label_offset_px: how far right of the face its points lie, pixels of its picture. Mirrored as
    they are, they would lie as far to the left, and a network cannot learn both.
    """
    grey, points, box, truth = face.grey, face.points, face.box, face.truth
    if rng.random() < augment.flip_prob:
        width = grey.shape[1]
        grey = np.ascontiguousarray(grey[:, ::-1])
        points = flip_points(points, width)
        points = points + np.array([2 * label_offset_px, 0], np.float32)
        box = (width - box[0] - box[2], *box[1:])
        truth = truth and truth.mirrored()
    moved, fine = _jittered(box, spec, augment, rng)
    angle = float(rng.normal(0.0, augment.rotate_std))
    crop = crop_face(grey, moved, fine, angle)
    points = to_crop(points, crop.transform)
    changed = change_pixels(crop.pixels, augment, rng)
    if truth:
        truth = truth.turned(angle).enlarged(zoom_of(crop.transform))
        truth = truth.hidden(erased(points, changed.erased))
    return TrainingCrop(changed.pixels, points, truth)


def _jittered(
    box: Box, spec: CropSpec, augment: AugmentParams, rng: np.random.Generator
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


class ChangedPixels(NamedTuple):
    """pixels: uint8 (H, W). erased: the rectangle that was laid over them, if one was."""

    pixels: Image
    erased: Box | None


def change_pixels(pixels: Image, augment: AugmentParams, rng: np.random.Generator) -> ChangedPixels:
    """Pixels, uint8 (H, W), after contrast, gamma, blur, downscaling, noise and random erasing."""
    changed: NDArray[Any] = pixels.astype(np.float32) / 255
    if rng.random() < augment.contrast_prob:
        gain = np.exp(rng.normal(0, augment.contrast_std))
        changed = (changed - 0.5) * gain + 0.5 + rng.normal(0, augment.brightness_std)
    changed = np.clip(changed, 0, 1).astype(np.float32)
    if rng.random() < augment.gamma_prob:
        changed = changed ** np.float32(np.exp(rng.normal(0, augment.gamma_std)))
    if rng.random() < augment.blur_prob:
        changed = blur(changed, rng.uniform(0.3, max(augment.blur_max, 0.3)))
    if rng.random() < augment.downscale_prob:
        changed = downscale(changed, rng.uniform(augment.downscale_min, 0.5))
    if rng.random() < augment.noise_prob:
        changed = add_noise(rng, changed, rng.uniform(0, augment.noise_max))
    rectangle = None
    if rng.random() < augment.random_erasing_prob:
        rectangle = _erase(changed, augment.random_erasing_max, rng)
    return ChangedPixels(np.asarray(np.round(np.clip(changed, 0, 1) * 255), np.uint8), rectangle)


def changed_faces(
    faces: Sequence[LabelledFace], augment: AugmentParams, variants: int
) -> list[LabelledFace]:
    """Each face so many times with its pixels changed at random, where it is; the same at every
    call."""
    rng = np.random.default_rng(0)
    return [
        replace(face, grey=change_pixels(face.grey, augment, rng).pixels)
        for face in faces
        for _ in range(variants)
    ]


def erased(points: Points, rectangle: Box | None) -> NDArray[np.bool_]:
    """Which points (68, 2) lie in a rectangle of pixels: bool (68,)."""
    if rectangle is None:
        return np.zeros(len(points), np.bool_)
    x, y, width, height = rectangle
    low = np.array([x, y]) - 0.5
    return np.asarray(((points >= low) & (points < low + [width, height])).all(axis=1))


def _erase(picture: NDArray[Any], largest: float, rng: np.random.Generator) -> Box:
    """Lay a rectangle of one grey over a picture (H, W), 0..1, in place; returns where. Source:
    random erasing (Zhong et al., 2020)."""
    size = min(picture.shape)
    width, height = rng.integers(size // 8, max(size // 8 + 1, round(size * largest)), 2)
    x = rng.integers(0, picture.shape[1] - width + 1)
    y = rng.integers(0, picture.shape[0] - height + 1)
    picture[y : y + height, x : x + width] = rng.random()
    return int(x), int(y), int(width), int(height)
