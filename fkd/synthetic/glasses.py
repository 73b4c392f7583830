"""Glasses and sunglasses, drawn as lines in the picture where their frame would be."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from fkd.landmarks import LEFT_EYE, RIGHT_EYE
from fkd.synthetic.camera import View
from fkd.synthetic.canvas import Canvas
from fkd.synthetic.noise import fractal_noise
from fkd.synthetic.recipe import Glasses
from fkd.synthetic.texture import SHIFT

# Where the arms end, beside the ears, decimetres to the middle of the head, an eye and the origin.
TEMPLE = np.array([0.78, 0.05, 0.3], np.float32)


@dataclass(frozen=True)
class Frame:
    """Measures of a frame, decimetres: half sizes of a lens, its shift down from the eye's centre
    (negative is down), and the front's z; squareness: exponent of the superellipse of a rim.
    """

    half_width: float
    half_height: float
    squareness: float
    drop: float
    front: float


@dataclass(frozen=True)
class Pen:
    """How the frame's lines are drawn. brightness: 0..1. thickness: pixels."""

    brightness: float
    thickness: int


def render_glasses(
    rng: Generator, glasses: Glasses, view: View, points: NDArray[np.float32], canvas: Canvas
) -> bool:
    """Put glasses before the eyes of the points (68, 3) on the unposed head, in place; returns
    whether they are sunglasses."""
    right, left = (points[eye].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE))
    frame = _sample_frame(rng, max(float(right[2]), float(left[2])))
    brightness = float(rng.random() ** 2)
    pen = Pen(brightness, max(1, round(rng.uniform(*glasses.thickness))))
    rims = [_seen(view, _rim(frame, eye, side)) for side, eye in ((-1, right), (1, left))]
    dark = _render_lenses(rng, glasses, rims, canvas)
    if rng.random() >= glasses.rimless_prob:
        for rim in rims:
            _draw_line(canvas, rim, pen)
    bridge = [
        [right[0] - 0.03 + frame.half_width, right[1] + frame.drop + 0.03, frame.front],
        [0, right[1] + frame.drop + 0.06, frame.front + 0.03],
        [left[0] + 0.03 - frame.half_width, left[1] + frame.drop + 0.03, frame.front],
    ]
    _draw_line(canvas, _seen(view, np.array(bridge)), pen)
    for side, eye in ((-1, right), (1, left)):
        x = eye[0] + side * (0.03 + frame.half_width)
        hinge = np.array([x, eye[1] + frame.drop + 0.05, frame.front - 0.1])
        end = np.array([side * TEMPLE[0], eye[1] + TEMPLE[1], TEMPLE[2]])
        _draw_arm(canvas, view, hinge, end, pen)
    return dark


def _sample_frame(rng: Generator, eye_depth: float) -> Frame:
    half_width, half_height = rng.uniform(0.2, 0.3), rng.uniform(0.12, 0.24)
    squareness, drop = rng.uniform(2, 5), rng.normal(-0.02, 0.03)
    return Frame(half_width, half_height, squareness, drop, eye_depth + rng.uniform(0.08, 0.25))


def _rim(frame: Frame, eye: NDArray[np.float32], side: int) -> NDArray:
    """Positions (40, 3) of a rim around an eye's centre (3,); side: -1 right, 1 left."""
    angle = np.linspace(0, 2 * np.pi, 40)
    power = 2 / frame.squareness
    across = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * frame.half_width
    up = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power * frame.half_height
    x = eye[0] + side * 0.03 + across
    z = frame.front - 0.12 * np.abs(eye[0] + across) ** 1.5
    return np.stack([x, eye[1] + frame.drop + up, z], axis=1)


def _seen(view: View, positions: NDArray) -> NDArray[np.float32]:
    return view.project_head(positions.astype(np.float32))


def _draw_line(canvas: Canvas, line: NDArray, pen: Pen) -> None:
    corners = [(line[:, :2] * 2**SHIFT).astype(np.int32)]
    cv2.polylines(canvas.pixels, corners, False, pen.brightness, pen.thickness, cv2.LINE_AA, SHIFT)


def _render_lenses(rng: Generator, glasses: Glasses, rims: list[NDArray], canvas: Canvas) -> bool:
    """Dark lenses of sunglasses, or a faint reflection on some others; returns which."""
    dark = rng.random() < glasses.sunglasses_prob
    if not dark and rng.random() < 0.7:
        return dark
    mask = np.zeros_like(canvas.pixels)
    for rim in rims:
        corners = (rim[:, :2] * 2**SHIFT).astype(np.int32)
        cv2.fillPoly(mask, [corners], 1.0, cv2.LINE_AA, SHIFT)
    opacity = rng.uniform(0.6, 1.0) if dark else rng.uniform(0.02, 0.25)
    brightness = rng.uniform(0, 0.25) if dark else rng.uniform(0.6, 1.0)
    pattern = fractal_noise(rng, mask.shape, octaves=2, persistence=0.5, cells=3)
    reflection = pattern * rng.uniform(0, 0.6)
    alpha = (mask * opacity).astype(np.float32)
    lens = brightness + np.clip(reflection, 0, 1)
    canvas.pixels[:] = canvas.pixels * (1 - alpha) + alpha * lens
    canvas.cover[:] = np.maximum(canvas.cover, alpha)
    return dark


def _draw_arm(canvas: Canvas, view: View, hinge: NDArray, end: NDArray, pen: Pen) -> None:
    """The piece of an arm that no part of the head hides."""
    line = _seen(view, hinge + (end - hinge) * np.linspace(0, 1, 20)[:, None])
    for start, stop in pairwise(line):
        x, y = int(start[0]), int(start[1])
        inside = 0 <= x < canvas.side and 0 <= y < canvas.side
        if inside and start[2] > canvas.depth[y, x] - 0.03:
            _draw_line(canvas, np.stack([start, stop]), pen)
