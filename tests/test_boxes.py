"""The reference box of a face, and which detection frames it."""

import numpy as np
import pytest

from fkd.detection.detections import Detection, match_detection
from fkd.geometry.boxes import box_offset, centre_distance, iou, reference_box
from fkd.geometry.roll import Frame


def points_around(x: float, y: float, side: float) -> np.ndarray:
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]])
    return (np.tile(corners, (17, 1)) + [x, y]).astype(np.float32)


def test_the_reference_box_of_a_known_square_is_known():
    """By the convention a square of 176 has a box of 176 / 0.88 = 200, whose centre lies 31 px
    (0.155 boxes) above and 1.2 px to the left of the square's centre (388, 288): pixel centres at
    integers, the box's edges half a pixel outside, then whole pixels."""
    assert reference_box(points_around(300, 200, 176)) == (287, 158, 200, 200)


def test_offsets_and_distance_of_a_moved_box_are_how_far_it_was_moved():
    reference = (100, 100, 200, 200)
    assert box_offset(reference, reference) == (0, 0, 1)
    assert box_offset((160, 180, 100, 100), reference) == (0.05, 0.15, 0.5)
    assert centre_distance((160, 180, 200, 200), reference) == pytest.approx(0.5)


def test_iou_of_a_half_covered_box_is_a_third_and_of_separate_ones_none():
    assert iou((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert iou((0, 0, 10, 10), (10, 0, 10, 10)) == 0
    assert iou((0, 0, 10, 10), (0, 0, 10, 10)) == 1


def test_matching_takes_the_nearest_box_that_fits_and_none_far_away():
    reference = x, y, side, _ = reference_box(points_around(300, 200, 176))
    near = Detection(Frame((x + 5, y, side, side)))
    nearer = Detection(Frame((x + 2, y, side, side)))
    far = Detection(Frame((x + side, y, side, side)))
    large = Detection(Frame((x - side, y - side, 3 * side, 3 * side)))
    assert match_detection([far, near, nearer, large], reference) is nearer
    assert match_detection([far, large], reference) is None
