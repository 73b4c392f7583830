"""How labels of drawn faces are moved to where annotators click."""

import numpy as np

from fkd.datasets import pts
from fkd.landmarks import FLIP
from fkd.synthetic.habits import JAW_SEGMENTS, evenly_along, habit_offsets


def arc(turn: np.ndarray) -> np.ndarray:
    """Places on a half circle of radius 1, angles in radians."""
    return np.stack([-np.cos(turn), np.sin(turn)], axis=-1).astype(np.float32)


def test_habits_are_mirror_images_and_scale_with_the_face():
    points = np.random.default_rng(1).normal(0, 1, (68, 3)).astype(np.float32)
    offsets = habit_offsets(points)
    np.testing.assert_allclose(offsets[FLIP], offsets * [-1, 1, 1], atol=1e-7)
    np.testing.assert_allclose(habit_offsets(3 * points), 3 * offsets, rtol=1e-5)


def test_unevenly_placed_jaw_points_slide_along_the_line_and_its_ends_stay():
    uneven = arc(np.pi * np.linspace(0, 1, 17) ** 1.5)
    even = evenly_along(uneven)
    np.testing.assert_allclose(even[[0, 8, 16]], uneven[[0, 8, 16]], atol=1e-6)
    assert np.abs(np.linalg.norm(even, axis=1) - 1).max() < 0.03  # still on the circle
    steps = np.linalg.norm(np.diff(even, axis=0), axis=1)
    right = np.array(JAW_SEGMENTS) / sum(JAW_SEGMENTS)
    np.testing.assert_allclose(steps[:8] / steps[:8].sum(), right, rtol=0.03)
    np.testing.assert_allclose(steps[8:] / steps[8:].sum(), right[::-1], rtol=0.03)


def test_300ws_annotators_space_the_jaw_as_the_segments_say(real_300w):
    names = [s.name for s in pts.samples(real_300w, "300w") if not s.official_test]
    jaws = np.array([pts.read_pts(real_300w / f"{name}.pts") for name in names])[:, :17]
    steps = np.linalg.norm(np.diff(jaws, axis=1), axis=-1)
    for side in (steps[:, :8], steps[:, :7:-1]):
        measured = np.median(side / side.sum(axis=1, keepdims=True), axis=0)
        np.testing.assert_allclose(measured, np.array(JAW_SEGMENTS) / sum(JAW_SEGMENTS), rtol=0.04)
