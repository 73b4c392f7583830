"""The parts of a face by name, and how far its eyes and its mouth are open."""

import math

import numpy as np
import pytest

from fkd import Face, Predictor
from fkd.geometry.openness import eye_openness, mouth_openness
from fkd.landmarks import CONTOURS, COUNT, FLIP, PARTS

# Six points of an eye 8 wide: lids 4 and 2 apart. Eight of a mouth 10 wide: lips 1, 3 and 2 apart.
EYE = [(0, 0), (2, -2), (6, -1), (8, 0), (6, 1), (2, 2)]
MOUTH = [(0, 0), (2, -1), (5, -2), (8, 0), (10, 0), (8, 2), (5, 1), (2, 0)]


@pytest.fixture
def points() -> np.ndarray:
    """A closed left eye, a right eye and a mouth that are open, float32 (68, 2)."""
    points = np.random.default_rng(0).uniform(0, 100, (COUNT, 2)).astype(np.float32)
    points[PARTS["right_eye"]] = EYE
    points[PARTS["left_eye"]] = np.array(EYE) * (1, 0) + (20, 0)
    points[PARTS["inner_lips"]] = MOUTH
    return points


def face_of(points: np.ndarray) -> Face:
    return Face(points, (0, 0, 100, 100), None, None)


def test_openness_is_the_mean_height_over_the_width(points):
    face = face_of(points)
    assert face.eye_openness == ((4 + 2) / (2 * 8), 0) and face.eye_openness.right == 0.375
    assert face.mouth_openness == pytest.approx((1 + 3 + 2) / (3 * 10), rel=1e-6)


def test_openness_is_the_same_in_a_larger_and_turned_picture(points):
    turned = (points @ [[0.6, 0.8], [-0.8, 0.6]] * 7.5 + [300, 20]).astype(np.float32)
    np.testing.assert_allclose(eye_openness(turned), eye_openness(points), atol=1e-4)
    assert mouth_openness(turned) == pytest.approx(mouth_openness(points), abs=1e-4)


def test_an_eye_or_a_mouth_without_a_width_has_no_number(points):
    points[39], points[64] = points[36], points[60]
    assert math.isnan(eye_openness(points).right) and eye_openness(points).left == 0
    assert math.isnan(mouth_openness(points))


def test_the_eyes_of_a_smiling_astronaut_are_open_and_her_mouth_a_little(astronaut):
    (face,) = Predictor()(astronaut)
    assert all(0.25 < eye < 0.45 for eye in face.eye_openness)
    assert 0.05 < face.mouth_openness < 0.25


def test_the_parts_of_a_face_hold_each_of_its_points_once_in_order(points):
    parts = face_of(points).parts
    np.testing.assert_array_equal(np.concatenate(list(parts.values())), points)
    assert [len(part) for part in parts.values()] == [17, 5, 5, 4, 5, 6, 6, 12, 8]
    np.testing.assert_array_equal(parts["left_eye"], points[42:48])


@pytest.mark.parametrize("part", ["eye", "brow"])
def test_left_and_right_parts_change_places_in_a_mirrored_picture(part):
    right, left = (set(range(COUNT)[PARTS[f"{side}_{part}"]]) for side in ("right", "left"))
    assert {int(FLIP[i]) for i in right} == left


def test_each_contour_is_a_part_and_eyes_and_lips_are_closed():
    closed = [name for name, part in PARTS.items() if (part.start, part.stop, True) in CONTOURS]
    assert closed == ["right_eye", "left_eye", "outer_lips", "inner_lips"]
    assert [slice(first, last) for first, last, _ in CONTOURS] == list(PARTS.values())
