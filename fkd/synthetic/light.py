"""Lamps, an uneven sky, and the shadows that the head throws on itself."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.raster import NOTHING, rasterise
from fkd.synthetic.recipe import Light

Vectors = NDArray[np.float32]
SHADOW_SIDE, SHADOW_ZOOM = 256, 70
# A place counts as lit when nothing lies this far before it, decimetres.
SHADOW_BIAS = 0.06


@dataclass(frozen=True)
class Lamp:
    """toward: unit vector to the lamp. shadow: depth map seen from it, in frame coordinates."""

    toward: Vectors
    strength: float
    frame: Vectors
    middle: Vectors
    shadow: NDArray[np.float32]


@dataclass(frozen=True)
class Lighting:
    """lamps; sky: 9 spherical harmonics; gloss: exponent; shine: strength; blur: of shadows, px."""

    lamps: tuple[Lamp, ...]
    ambient: float
    sky: Vectors
    gloss: float
    shine: float
    blur: float

    def shade(
        self, normals: Vectors, lit: list[NDArray[np.float32]] | None = None
    ) -> tuple[Vectors, Vectors]:
        """Diffuse light and highlights, float32 (P,) each, of places with unit normals (P, 3).

        lit: 0..1 a place for each lamp, all lit when absent.
        """
        x, y, z = normals.T
        s = self.sky
        sky = s[0] + s[1] * x + s[2] * y + s[3] * z
        sky += s[4] * x * y + s[5] * y * z + s[6] * x * z + s[7] * (x * x - y * y)
        diffuse = self.ambient * np.clip(sky + s[8] * (3 * z * z - 1), 0.05, 4)
        highlights = np.zeros_like(diffuse)
        for i, lamp in enumerate(self.lamps):
            facing = np.clip(normals @ lamp.toward, 0, 1)
            diffuse += lamp.strength * facing * (lit[i] if lit else 1)
            half = lamp.toward + np.array([0, 0, 1], np.float32)
            half /= np.linalg.norm(half)
            glint = np.clip(normals @ half, 0, 1) ** np.float32(self.gloss)
            highlights += lamp.strength * glint * (facing > 0)
        return diffuse, highlights

    def lit(self, places: Vectors, mask: NDArray[np.bool_]) -> list[NDArray[np.float32]]:
        """For each lamp how much of it the places (P, 3) of the picture's mask see, softened."""
        return [_lit(lamp, places, mask, self.blur) for lamp in self.lamps]


def draw_lighting(
    rng: Generator, light: Light, turned: Vectors, middle: Vectors, solid: NDArray[np.int32]
) -> Lighting:
    """Light at random on a turned head (V, 3) around its middle."""
    lamps = []
    for _ in range(2 if rng.random() < light.second_share else 1):
        toward = _direction(rng)
        frame = _frame(toward)
        screen = (turned - middle) @ frame
        screen[:, :2] = screen[:, :2] * SHADOW_ZOOM + SHADOW_SIDE / 2
        _, _, depth = rasterise(screen.astype(np.float32), solid, SHADOW_SIDE, SHADOW_SIDE, False)
        lamps.append(Lamp(toward, float(rng.uniform(*light.strength)), frame, middle, depth))
    first, second = light.uneven_sd
    sky = np.concatenate([[1], rng.normal(0, first, 3), rng.normal(0, second, 5)])
    sky[2] += rng.uniform(*light.from_above)
    return Lighting(
        lamps=tuple(lamps),
        ambient=float(rng.uniform(*light.ambient)),
        sky=sky.astype(np.float32),
        gloss=float(rng.uniform(*light.gloss)),
        shine=float(rng.uniform(*light.shine)) if rng.random() < light.shine_share else 0.0,
        blur=float(rng.uniform(*light.shadow_blur)),
    )


def _direction(rng: Generator) -> Vectors:
    """Any direction but from far behind."""
    while True:
        toward = rng.normal(size=3)
        toward /= np.linalg.norm(toward)
        if toward[2] > -0.2:
            return toward.astype(np.float32)


def _frame(toward: Vectors) -> Vectors:
    """Columns right, up and toward: an upright view from the lamp."""
    right = np.cross(toward, [0.01, 1, 0.02])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(toward, right), toward], axis=1).astype(np.float32)


def _lit(lamp: Lamp, places: Vectors, mask: NDArray[np.bool_], blur: float) -> NDArray[np.float32]:
    seen = (places - lamp.middle) @ lamp.frame
    pixels = np.round(seen[:, :2] * SHADOW_ZOOM + SHADOW_SIDE / 2 - 0.5).astype(int)
    inside = ((pixels >= 0) & (pixels < SHADOW_SIDE)).all(axis=1)
    x, y = np.clip(pixels, 0, SHADOW_SIDE - 1).T
    nearest = np.where(inside, lamp.shadow[y, x], NOTHING)
    picture = np.ones(mask.shape, np.float32)
    picture[mask] = seen[:, 2] > nearest - SHADOW_BIAS
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), blur)[mask])
