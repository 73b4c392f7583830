"""How labels of synthetic faces are moved to where annotators click."""

import numpy as np

from fkd.datasets.readers import pts
from fkd.io.pts import read_pts
from fkd.landmarks import FLIP
from fkd.synthetic.annotation_bias import JAW_SEGMENTS, frontal_bias, space_jaw, yaw_bias
from fkd.synthetic.camera import rotation_matrix


def arc(angle: np.ndarray) -> np.ndarray:
    """Positions on a half circle of radius 1, angles in radians."""
    return np.stack([-np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)


def test_the_bias_is_its_mirror_image_and_scales_with_the_face():
    points = np.random.default_rng(1).normal(0, 1, (68, 3)).astype(np.float32)
    offsets = frontal_bias(points)
    np.testing.assert_allclose(offsets[FLIP], offsets * [-1, 1, 1], atol=1e-7)
    np.testing.assert_allclose(frontal_bias(3 * points), 3 * offsets, rtol=1e-5)


def test_what_lies_in_front_shows_when_the_head_turns_aside_and_not_when_it_nods():
    points = np.random.default_rng(1).normal(0, 1, (68, 3)).astype(np.float32)
    assert np.abs(yaw_bias(points, rotation_matrix(0, 25, 0))).max() < 1e-7
    for pitch in (0, 25):
        aside = yaw_bias(points, rotation_matrix(30, pitch, 0))
        np.testing.assert_allclose(aside[:, 1:], 0, atol=1e-7)
        np.testing.assert_allclose(
            aside[:, 0], yaw_bias(points, rotation_matrix(30, 0, 0))[:, 0], rtol=1e-5
        )
        assert (aside[27:36, 0] > 0).all()
    rolled = yaw_bias(points, rotation_matrix(30, 0, 20))
    np.testing.assert_allclose(rolled, aside @ rotation_matrix(0, 0, 20).T, atol=1e-6)


def test_unevenly_spaced_jaw_points_slide_along_the_line_and_its_ends_stay():
    uneven = arc(np.pi * np.linspace(0, 1, 17) ** 1.5)
    even = space_jaw(uneven)
    np.testing.assert_allclose(even[[0, 8, 16]], uneven[[0, 8, 16]], atol=1e-6)
    assert np.abs(np.linalg.norm(even, axis=1) - 1).max() < 0.03  # still on the circle
    steps = np.linalg.norm(np.diff(even, axis=0), axis=1)
    right = np.array(JAW_SEGMENTS) / sum(JAW_SEGMENTS)
    np.testing.assert_allclose(steps[:8] / steps[:8].sum(), right, rtol=0.03)
    np.testing.assert_allclose(steps[8:] / steps[8:].sum(), right[::-1], rtol=0.03)


def test_300ws_annotators_space_the_jaw_as_the_segments_say(real_300w):
    names = [s.name for s in pts.samples(real_300w, "300w") if not s.official_test]
    jaws = np.array([read_pts(real_300w / f"{name}.pts") for name in names])[:, :17]
    steps = np.linalg.norm(np.diff(jaws, axis=1), axis=-1)
    for side in (steps[:, :8], steps[:, :7:-1]):
        measured = np.median(side / side.sum(axis=1, keepdims=True), axis=0)
        np.testing.assert_allclose(measured, np.array(JAW_SEGMENTS) / sum(JAW_SEGMENTS), rtol=0.04)
