"""Glasses and sunglasses, drawn as lines in the picture where their frame would be."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.landmarks import LEFT_EYE, RIGHT_EYE
from fkd.synthetic.camera import View
from fkd.synthetic.canvas import Canvas
from fkd.synthetic.noise import noise
from fkd.synthetic.recipe import Glasses

SHIFT = 3  # lines are drawn with 1/8 pixel
TEMPLE = np.array([0.78, 0.05, 0.3], np.float32)  # where the arms end, beside the ears


def draw_glasses(
    rng: Generator, canvas: Canvas, view: View, glasses: Glasses, points: NDArray[np.float32]
) -> None:
    """Put glasses before the eyes of the points (68, 3) on the unposed head, in place."""
    middles = [points[eye].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)]
    half_width, half_height = rng.uniform(0.2, 0.3), rng.uniform(0.12, 0.24)
    square, drop = rng.uniform(2, 5), rng.normal(-0.02, 0.03)
    front = max(float(middle[2]) for middle in middles) + rng.uniform(0.08, 0.25)
    shade = float(rng.random() ** 2)
    thickness = max(1, round(rng.uniform(*glasses.thickness)))
    angle = np.linspace(0, 2 * np.pi, 40)
    across = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / square) * half_width
    up = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / square) * half_height
    rims = []
    for side, middle in ((-1, middles[0]), (1, middles[1])):
        x = middle[0] + side * 0.03 + across
        z = front - 0.12 * np.abs(middle[0] + across) ** 1.5
        rims.append(_seen(view, np.stack([x, middle[1] + drop + up, z], axis=1)))
    _draw_lenses(rng, canvas, glasses, rims)
    if rng.random() >= glasses.rimless_share:
        for rim in rims:
            _draw_line(canvas, rim, shade, thickness)
    right, left = middles
    bridge = [
        [right[0] - 0.03 + half_width, right[1] + drop + 0.03, front],
        [0, right[1] + drop + 0.06, front + 0.03],
        [left[0] + 0.03 - half_width, left[1] + drop + 0.03, front],
    ]
    _draw_line(canvas, _seen(view, np.array(bridge)), shade, thickness)
    for side, middle in ((-1, right), (1, left)):
        hinge = [middle[0] + side * (0.03 + half_width), middle[1] + drop + 0.05, front - 0.1]
        end = [side * TEMPLE[0], middle[1] + TEMPLE[1], TEMPLE[2]]
        _draw_arm(canvas, view, np.array(hinge), np.array(end), shade, thickness)


def _seen(view: View, places: NDArray) -> NDArray[np.float32]:
    return view.see(places.astype(np.float32))


def _draw_line(canvas: Canvas, line: NDArray, shade: float, thickness: int) -> None:
    corners = [(line[:, :2] * 2**SHIFT).astype(np.int32)]
    cv2.polylines(canvas.colour, corners, False, shade, thickness, cv2.LINE_AA, SHIFT)


def _draw_lenses(rng: Generator, canvas: Canvas, glasses: Glasses, rims: list[NDArray]) -> None:
    """Dark lenses of sunglasses, or a faint reflection on some others."""
    sun = rng.random() < glasses.sun_share
    if not sun and rng.random() < 0.7:
        return
    mask = np.zeros_like(canvas.colour)
    for rim in rims:
        corners = (rim[:, :2] * 2**SHIFT).astype(np.int32)
        cv2.fillPoly(mask, [corners], 1.0, cv2.LINE_AA, SHIFT)
    opaque = rng.uniform(0.6, 1.0) if sun else rng.uniform(0.02, 0.25)
    lens = rng.uniform(0, 0.25) if sun else rng.uniform(0.6, 1.0)
    sheen = noise(rng, canvas.side, canvas.side, 2, 0.5, 3) * rng.uniform(0, 0.6)
    cover = (mask * opaque).astype(np.float32)
    canvas.colour[:] = canvas.colour * (1 - cover) + cover * (lens + np.clip(sheen, 0, 1))


def _draw_arm(
    canvas: Canvas, view: View, hinge: NDArray, end: NDArray, shade: float, thickness: int
) -> None:
    """The piece of an arm that no part of the head hides."""
    line = _seen(view, hinge + (end - hinge) * np.linspace(0, 1, 20)[:, None])
    for start, stop in pairwise(line):
        x, y = int(start[0]), int(start[1])
        inside = 0 <= x < canvas.side and 0 <= y < canvas.side
        if inside and start[2] > canvas.depth[y, x] - 0.03:
            _draw_line(canvas, np.stack([start, stop]), shade, thickness)
