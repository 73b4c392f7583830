"""Heads without a background, for scenes: what the detector learns from."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Image, Points
from fkd.synthetic.face import render_person
from fkd.synthetic.raster import EMPTY_DEPTH
from fkd.synthetic.recipe import Recipe


@dataclass(frozen=True)
class Cutout:
    """A rendered head, cut out.

    pixels: uint8 (S, S) grey, black where there is no head and darkened by `alpha` at its edge.
    alpha: uint8 (S, S), how much of a pixel the head covers, 255 for all. points: float32 (68, 2),
    its pixels, centres at integers. yaw: degrees, to the subject's left.
    """

    pixels: Image
    alpha: Image
    points: Points
    yaw: float


def render_cutout(recipe: Recipe, index: int) -> Cutout:
    """Head number `index` of a recipe before nothing; nothing hides it, and no camera spoils it."""
    rng = np.random.default_rng([recipe.seed, index])
    person = render_person(rng, recipe)
    canvas = person.canvas
    covered = (canvas.depth > EMPTY_DEPTH).astype(np.float32)
    size = (recipe.size, recipe.size)
    alpha = cv2.resize(covered, size, interpolation=cv2.INTER_AREA)
    bright = np.clip(canvas.pixels, 0, 1).astype(np.float32) * covered
    pixels = cv2.resize(bright, size, interpolation=cv2.INTER_AREA)
    return Cutout(_whole(pixels), _whole(alpha), person.points, person.truth.pose.yaw)


def _whole(fraction: NDArray) -> Image:
    return np.asarray(np.round(fraction * 255), np.uint8)
