"""Light sources, an uneven sky, and the shadows that the head casts on itself.

Lambert's diffuse reflection, Blinn-Phong highlights, shadow maps, and a sky given by real spherical
harmonics up to second order, without their constant factors. The viewer is along +z.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.raster import EMPTY_DEPTH, rasterize
from fkd.synthetic.recipe import Light
from fkd.synthetic.vectors import dot, length, transform

Vectors = NDArray[np.float32]
# A shadow map: side in pixels, and pixels per decimetre.
SHADOW_SIDE, SHADOW_SCALE = 256, 70
# A position counts as lit when nothing lies this far before it, decimetres.
SHADOW_BIAS = 0.06


@dataclass(frozen=True)
class LightSource:
    """A distant light. toward: float32 (3,), unit vector to it. strength: radiance. frame: float32
    (3, 3), columns right, up and toward of the shadow map, which is centred on `centre` (3,).
    shadow_map: float32 (SHADOW_SIDE, SHADOW_SIDE), depth along `toward`, greater is nearer.
    """

    toward: Vectors
    strength: float
    frame: Vectors
    centre: Vectors
    shadow_map: NDArray[np.float32]

    @property
    def half_vector(self) -> Vectors:
        """Blinn's unit vector halfway between the directions to the light and to the viewer."""
        half = self.toward + np.array([0, 0, 1], np.float32)
        return np.asarray(half / length(half))


@dataclass(frozen=True)
class Lighting:
    """ambient: mean radiance of the sky. sky: float32 (9,), spherical harmonics over that mean.
    shininess: exponent of the highlights. specular: their strength on skin. shadow_blur: pixels.
    """

    sources: tuple[LightSource, ...]
    ambient: float
    sky: Vectors
    shininess: float
    specular: float
    shadow_blur: float

    def shade(
        self, normals: Vectors, visibility: list[NDArray[np.float32]] | None = None
    ) -> tuple[Vectors, Vectors]:
        """Diffuse and specular light, float32 (P,) each, at positions with unit normals (P, 3).

        visibility: 0..1 at each position for each source; without it nothing casts shadows.
        """
        x, y, z = normals.T
        s = self.sky
        sky = s[0] + s[1] * x + s[2] * y + s[3] * z
        sky += s[4] * x * y + s[5] * y * z + s[6] * x * z + s[7] * (x * x - y * y)
        diffuse = self.ambient * np.clip(sky + s[8] * (3 * z * z - 1), 0.05, 4)
        specular = np.zeros_like(diffuse)
        for i, source in enumerate(self.sources):
            facing = np.clip(dot(normals, source.toward), 0, 1)
            diffuse += source.strength * facing * (visibility[i] if visibility else 1)
            mirrored = np.clip(dot(normals, source.half_vector), 0, 1)
            highlight = mirrored ** np.float32(self.shininess)
            specular += source.strength * highlight * (facing > 0)
        return diffuse, specular

    def visibility(self, positions: Vectors, mask: NDArray[np.bool_]) -> list[NDArray[np.float32]]:
        """How much of each source is seen from the positions (P, 3) of the pixels in the mask
        (S, S): float32 (P,), 0..1, with soft edges."""
        return [_visibility(light, positions, mask, self.shadow_blur) for light in self.sources]


def sample_lighting(
    rng: Generator, light: Light, vertices: Vectors, centre: Vectors, solid: NDArray[np.int32]
) -> Lighting:
    """Random light on a rotated head (V, 3) with triangles `solid`, around its centre (3,)."""
    sources = []
    for _ in range(2 if rng.random() < light.second_source_prob else 1):
        toward = _sample_direction(rng)
        frame = _frame(toward)
        screen = transform(vertices - centre, frame)
        screen[:, :2] = screen[:, :2] * SHADOW_SCALE + SHADOW_SIDE / 2
        _, _, depth = rasterize(screen.astype(np.float32), solid, SHADOW_SIDE, SHADOW_SIDE, False)
        strength = float(rng.uniform(*light.strength))
        sources.append(LightSource(toward, strength, frame, centre, depth))
    first, second = light.sky_harmonics_std
    sky = np.concatenate([[1], rng.normal(0, first, 3), rng.normal(0, second, 5)])
    sky[2] += rng.uniform(*light.sky_from_above)
    return Lighting(
        sources=tuple(sources),
        ambient=float(rng.uniform(*light.ambient)),
        sky=sky.astype(np.float32),
        shininess=float(rng.uniform(*light.shininess)),
        specular=float(rng.uniform(*light.specular)) if rng.random() < light.specular_prob else 0.0,
        shadow_blur=float(rng.uniform(*light.shadow_blur)),
    )


def _sample_direction(rng: Generator) -> Vectors:
    """Any direction but from far behind."""
    while True:
        toward = rng.normal(size=3)
        toward /= length(toward)
        if toward[2] > -0.2:
            return toward.astype(np.float32)


def _frame(toward: Vectors) -> Vectors:
    """Columns right, up and toward: an upright view from the light source."""
    right = np.cross(toward, [0.01, 1, 0.02])
    right /= length(right)
    return np.stack([right, np.cross(toward, right), toward], axis=1).astype(np.float32)


def _visibility(
    source: LightSource, positions: Vectors, mask: NDArray[np.bool_], blur: float
) -> NDArray[np.float32]:
    """A look-up in the shadow map, blurred in the picture."""
    seen = transform(positions - source.centre, source.frame)
    pixels = np.round(seen[:, :2] * SHADOW_SCALE + SHADOW_SIDE / 2 - 0.5).astype(int)
    inside = ((pixels >= 0) & (pixels < SHADOW_SIDE)).all(axis=1)
    x, y = np.clip(pixels, 0, SHADOW_SIDE - 1).T
    nearest = np.where(inside, source.shadow_map[y, x], EMPTY_DEPTH)
    picture = np.ones(mask.shape, np.float32)
    picture[mask] = seen[:, 2] > nearest - SHADOW_BIAS
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), blur)[mask])
