"""How labels of drawn faces are moved to where annotators click."""

import numpy as np

from fkd.datasets import pts
from fkd.landmarks import FLIP
from fkd.synthetic.camera import rotation
from fkd.synthetic.habits import JAW_SEGMENTS, evenly_along, habit_offsets, turned_offsets


def arc(turn: np.ndarray) -> np.ndarray:
    """Places on a half circle of radius 1, angles in radians."""
    return np.stack([-np.cos(turn), np.sin(turn)], axis=-1).astype(np.float32)


def test_habits_are_mirror_images_and_scale_with_the_face():
    points = np.random.default_rng(1).normal(0, 1, (68, 3)).astype(np.float32)
    offsets = habit_offsets(points)
    np.testing.assert_allclose(offsets[FLIP], offsets * [-1, 1, 1], atol=1e-7)
    np.testing.assert_allclose(habit_offsets(3 * points), 3 * offsets, rtol=1e-5)


def test_what_lies_in_front_shows_when_the_head_turns_aside_and_not_when_it_nods():
    points = np.random.default_rng(1).normal(0, 1, (68, 3)).astype(np.float32)
    assert np.abs(turned_offsets(points, rotation(0, 25, 0))).max() < 1e-7
    for pitch in (0, 25):
        aside = turned_offsets(points, rotation(30, pitch, 0))
        np.testing.assert_allclose(aside[:, 1:], 0, atol=1e-7)
        np.testing.assert_allclose(
            aside[:, 0], turned_offsets(points, rotation(30, 0, 0))[:, 0], rtol=1e-5
        )
        assert (aside[27:36, 0] > 0).all()
    rolled = turned_offsets(points, rotation(30, 0, 20))
    np.testing.assert_allclose(rolled, aside @ rotation(0, 0, 20).T, atol=1e-6)


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
