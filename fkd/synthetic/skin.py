"""The skin's texture, mapped on a cylinder around the mean head (`anatomy`)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.landmarks import LEFT_EYE, RIGHT_EYE
from fkd.synthetic.anatomy import Anatomy
from fkd.synthetic.brows import sample_brows
from fkd.synthetic.noise import fractal_noise
from fkd.synthetic.person import Person
from fkd.synthetic.recipe import Recipe, Skin
from fkd.synthetic.texture import TEXTURE_SIZE, Texture, soft_ellipse, soft_polygon

SHAPE = (TEXTURE_SIZE, TEXTURE_SIZE)


@dataclass(frozen=True)
class SkinTexture:
    """albedo: float32 (512, 512), a factor on the skin's. brows: float32 (10, 2), texture pixels of
    points 17-26. beard: float32 (512, 512), 0..1, density of the hair.
    """

    albedo: Texture
    brows: NDArray[np.float32]
    beard: Texture


def sample_skin_texture(
    rng: Generator, recipe: Recipe, anatomy: Anatomy, person: Person
) -> SkinTexture:
    """A random skin, for a head whose points lie where the mean head's do."""
    skin = recipe.skin
    points = anatomy.on_texture(slice(0, 68))
    albedo = _sample_albedo(rng, skin)
    for eye in (RIGHT_EYE, LEFT_EYE):
        if rng.random() < skin.eye_shadows_prob:
            middle = points[eye].mean(axis=0) + np.array([0, rng.uniform(-10, 8)])
            mask = soft_ellipse(middle, (rng.uniform(25, 50), rng.uniform(14, 32)), 8)
            albedo *= 1 - np.float32(rng.uniform(*skin.eye_shadows)) * mask
    if not person.kind.child and rng.random() < skin.laugh_lines_prob:
        _add_laugh_lines(rng, skin, albedo, points)
    beard = np.zeros(SHAPE, np.float32)
    if person.kind.male > 0.5 and not person.kind.child and rng.random() < recipe.hair.beard_prob:
        beard = _sample_beard(rng, points)
    brow_points, brow_mask = sample_brows(rng, recipe.brows, points[17:27], person.kind.male)
    return SkinTexture(np.clip(albedo * (1 - brow_mask), 0.03, 1.6), brow_points, beard)


def _sample_albedo(rng: Generator, skin: Skin) -> Texture:
    """Mottling, grain, wrinkles, freckles and spots: factors about 1."""
    amplitude = rng.uniform(*skin.mottle)
    albedo = 1 + amplitude * fractal_noise(rng, SHAPE, octaves=3, persistence=0.6, cells=4)
    amplitude = rng.uniform(*skin.grain)
    albedo *= 1 + amplitude * fractal_noise(rng, SHAPE, octaves=2, persistence=0.8, cells=96)
    if rng.random() < skin.wrinkles_prob:
        amplitude = rng.uniform(*skin.wrinkles)
        albedo *= 1 + amplitude * fractal_noise(
            rng, SHAPE, octaves=4, persistence=0.7, cells=10, stretch=(0.5, 3.0)
        )
    kind = rng.random()
    freckled = kind < skin.freckles_prob
    spotted = freckled or kind < skin.freckles_prob + skin.spots_prob
    for _ in range(rng.poisson(120 if freckled else 6) if spotted else 0):
        x, y = int(rng.integers(100, 410)), int(rng.integers(100, 430))
        spot = float(albedo[y, x] * rng.uniform(0.6, 0.95))
        cv2.circle(albedo, (x, y), int(rng.integers(1, 3)), spot, -1)
    return np.asarray(albedo, np.float32)


def _add_laugh_lines(rng: Generator, skin: Skin, albedo: Texture, points: NDArray) -> None:
    """Darken the folds from the nostrils around the corners of the mouth, in place."""
    for nostril, corner, side in ((31, 48, -1), (35, 54, 1)):
        line = np.array(
            [
                points[nostril] + [side * 4, -8],
                (points[nostril] + points[corner]) / 2 + [side * 14, -4],
                points[corner] + [side * 12, 8],
            ]
        )
        mask = np.zeros(SHAPE, np.float32)
        cv2.polylines(mask, [line.astype(np.int32)], False, 1.0, 2, cv2.LINE_AA)
        soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(1.5, 4))
        albedo *= 1 - np.float32(rng.uniform(*skin.laugh_lines)) * soft


def _sample_beard(rng: Generator, points: NDArray) -> Texture:
    """Where a beard, a moustache, both, or a goatee grows."""
    mask = np.zeros(SHAPE, np.float32)
    kind, blur = rng.random(), rng.uniform(2, 9)
    if kind < 0.65:
        mask = np.maximum(mask, soft_polygon(_beard_outline(rng, points), blur))
    if kind < 0.5 or kind > 0.65:
        droop = 6 * rng.uniform(0.3, 1)
        mask = np.maximum(mask, soft_polygon(_moustache_outline(points, droop), blur))
    if kind > 0.85:
        mask = np.maximum(mask, soft_ellipse(points[57] + [0, 34], (rng.uniform(10, 30), 24), blur))
    strands = fractal_noise(rng, SHAPE, octaves=2, persistence=0.8, cells=90)
    return np.asarray(np.clip(mask * (1 + 0.6 * strands), 0, 1))


def _beard_outline(rng: Generator, points: NDArray) -> NDArray:
    """Corners (K, 2) of a full beard, texture pixels."""
    right, left = points[48], points[54]
    cheek = rng.uniform(-6, 14, 2)
    return np.concatenate(
        [
            points[[1, 2, 3]] + [-6, 0],
            right + np.array([[-26, -4], [-8, cheek[0]]]),
            [points[57] + [0, rng.uniform(10, 22)]],
            left + np.array([[8, cheek[1]], [26, -4]]),
            points[[13, 14, 15]] + [6, 0],
            [[points[14, 0] + 8, TEXTURE_SIZE - 60], [points[2, 0] - 8, TEXTURE_SIZE - 60]],
        ]
    )


def _moustache_outline(points: NDArray, droop: float) -> NDArray:
    """Corners (K, 2) of a moustache, texture pixels; droop: of its ends below the mouth's."""
    return np.array(
        [
            points[33] + [-14, 6],
            points[33] + [14, 6],
            points[54] + [6, -4],
            points[54] + [4, droop],
            points[52] + [0, -3],
            points[51] + [0, -2],
            points[50] + [0, -3],
            points[48] + [-4, droop],
            points[48] + [-6, -4],
        ]
    )
