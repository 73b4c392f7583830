"""Eyebrows: where their points lie in the skin's texture, and the mask of their hair."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.synthetic.noise import fractal_noise
from fkd.synthetic.recipe import Brows
from fkd.synthetic.texture import TEXTURE_SIZE, Texture, soft_polygon


def sample_brows(
    rng: Generator, brows: Brows, mean_points: NDArray[np.float32], male: float
) -> tuple[NDArray[np.float32], Texture]:
    """Random eyebrows: their points float32 (10, 2), and a mask of how much they darken, 0..1.

    mean_points: (10, 2), texture pixels of points 17-26 on the mean head. male: 0..1.
    """
    points = _sample_points(rng, brows, mean_points)
    thickness = rng.uniform(*brows.thickness) * (1.0 if male > 0.5 else 0.8)
    faint = rng.random() < brows.faint_prob
    dark = rng.uniform(-0.1, 0.25) if faint else rng.uniform(*brows.darkness)
    profile = rng.uniform(0.15, 0.7), 1.0, rng.uniform(0.6, 1.1)  # outer end, middle, inner end
    above, blur = rng.uniform(0.0, 0.2), rng.uniform(0.8, 3.0)
    mask = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    t = np.linspace(0, 1, 40)
    for brow in (points[:5], points[:4:-1]):
        x = np.interp(t, np.linspace(0, 1, 5), brow[:, 0])
        y = np.polyval(np.polyfit(np.linspace(0, 1, 5), brow[:, 1], 3), t)
        width = thickness * np.interp(t, [0, 0.5, 1], profile)
        upper = np.stack([x, y - width * above], axis=1)
        lower = np.stack([x, y + width * (1 - above)], axis=1)
        mask = np.maximum(mask, soft_polygon(np.concatenate([upper, lower[::-1]]), blur))
    sparse = 1 - rng.uniform(*brows.density)
    strands = 1 + sparse * 1.6 * fractal_noise(
        rng, mask.shape, octaves=2, persistence=0.9, cells=70, stretch=(1.6, 0.7)
    )
    return points, np.asarray(np.clip(mask * np.clip(strands, 0, 1.2), 0, 1) * dark, np.float32)


def _sample_points(
    rng: Generator, brows: Brows, mean_points: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The points (10, 2) of the mean's brows, shifted, arched, tilted and stretched at random."""
    points = np.array(mean_points, np.float32)
    drop = rng.normal(brows.drop_mean, brows.drop_std)
    arch, tilt = rng.normal(0, brows.arch_std), rng.normal(0, brows.tilt_std)
    along = np.array([-2, -1, 0, 1, 2], np.float32)
    stretch = rng.normal(1, brows.stretch_std)
    for side, part in ((1, slice(0, 5)), (-1, slice(5, 10))):
        brow = points[part]
        middle = brow[:, 0].mean()
        brow[:, 1] += drop + arch * (0.5 - np.abs(along) / 2) - tilt * along * side * 0.6
        brow[:, 1] += rng.normal(0, 0.8, 5)
        brow[:, 0] = middle + (brow[:, 0] - middle) * stretch + rng.normal(0, 1.0)
    if rng.random() < 0.8:  # most people's brows are alike
        points[5:] = [TEXTURE_SIZE, 0] + points[4::-1] * [-1, 1] + rng.normal(0, 0.8, (5, 2))
    return points
