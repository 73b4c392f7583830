"""Caps and bonnets, with or without a brim."""

import numpy as np
from numpy.random import Generator

from fkd.synthetic.canvas import Canvas, rasterize_mesh
from fkd.synthetic.hair_geometry import grid_triangles, offset_surface
from fkd.synthetic.noise import fractal_noise
from fkd.synthetic.shot import MEAN_POSITION, NORMAL, UV, Shot
from fkd.synthetic.texture import TEXTURE_SIZE, texture_lookup
from fkd.synthetic.vectors import normalize

BRIM_STEPS = 16


def render_hat(rng: Generator, brim_prob: float, shot: Shot, canvas: Canvas) -> None:
    """A random hat, in place."""
    edge, tilt, shade = rng.uniform(7.75, 8.0), rng.uniform(-0.15, 0.25), rng.random()
    height = np.full(len(shot.head.vertices), rng.uniform(0.08, 0.3))
    fragments = offset_surface(shot.head, height, canvas.side)
    mean = fragments.attributes[:, MEAN_POSITION]
    size = (TEXTURE_SIZE, TEXTURE_SIZE)
    pattern = fractal_noise(rng, size, octaves=4, persistence=0.8, cells=16)
    cloth = np.clip(shade * (1 + rng.uniform(0, 0.8) * pattern), 0.02, 1).astype(np.float32)
    diffuse, _ = shot.lighting.shade(normalize(fragments.attributes[:, NORMAL]))
    radiance = texture_lookup(cloth, fragments.attributes[:, UV]) * diffuse
    canvas.composite(fragments, radiance, mean[:, 1] > edge + tilt * (mean[:, 2] - 0.5) * 0.4)
    if rng.random() < brim_prob:
        _render_brim(rng, shot, canvas, edge + 0.25 * tilt, shade)


def _render_brim(rng: Generator, shot: Shot, canvas: Canvas, height: float, shade: float) -> None:
    """A brim before the forehead at a height on the head, decimetres."""
    across = np.linspace(-1.1, 1.1, BRIM_STEPS)
    reach = rng.uniform(0.4, 1.0)
    level = np.full(BRIM_STEPS, height)
    inner = np.stack([0.78 * np.sin(across), level, 0.25 + np.cos(across)], axis=1)
    depth = 0.3 + np.cos(across) * (1 + reach)
    outer = np.stack([0.8 * np.sin(across), level - 0.15 * reach, depth], axis=1)
    screen = shot.head.view.project_head(np.concatenate([inner, outer]).astype(np.float32))
    attributes = np.zeros((2 * BRIM_STEPS, 1), np.float32)
    triangles = grid_triangles(2, BRIM_STEPS)
    fragments = rasterize_mesh(screen, triangles, attributes, canvas.side, False)
    radiance = np.full(len(fragments.depth), shade * rng.uniform(0.2, 0.9), np.float32)
    canvas.composite(fragments, radiance, np.ones(len(radiance), bool))
