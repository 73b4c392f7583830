"""The 68-point convention."""

import numpy as np
import pytest

from fkd.landmarks import (
    CONTOURS,
    COUNT,
    FLIP,
    GROUPS,
    LEFT_EYE,
    RIGHT_EYE,
    PointsError,
    check_points,
    flip_points,
)
from fkd.synthetic.mean_head import load_mean_head


def test_groups_hold_every_point_once():
    members = [i for group in GROUPS.values() for i in range(group.start, group.stop)]
    assert sorted(members) == list(range(COUNT))


def test_contours_pass_through_every_point_once():
    assert [i for first, last, _ in CONTOURS for i in range(first, last)] == list(range(COUNT))


def test_flipping_twice_changes_nothing():
    points = np.random.default_rng(0).uniform(0, 100, (3, COUNT, 2)).astype(np.float32)
    np.testing.assert_allclose(flip_points(flip_points(points, 101), 101), points, atol=1e-4)


def test_flipping_moves_a_point_to_its_partner_on_the_other_side():
    points = np.zeros((COUNT, 2), np.float32)
    points[36] = 10, 5  # right eye's outer corner, left in the picture
    flipped = flip_points(points, 100)
    np.testing.assert_array_equal(flipped[45], [89, 5])


def test_flipping_maps_a_symmetric_face_onto_itself():
    face = load_mean_head().shape  # symmetric about x = 0
    np.testing.assert_allclose(face[FLIP] * [-1, 1], face, atol=1e-9)


def test_the_subjects_right_eye_is_left_in_the_picture():
    face = load_mean_head().shape
    assert face[RIGHT_EYE, 0].max() < face[LEFT_EYE, 0].min()


@pytest.mark.parametrize("far", [1e300, -1e300, 1e20, -2e6])
def test_a_point_further_out_than_any_photo_is_refused(far):
    points = np.full((COUNT, 2), 5.0)
    points[3, 1] = far
    with pytest.raises(PointsError, match="px away, further than 1000000"):
        check_points(points)
