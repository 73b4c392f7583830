"""The Haar detector and its box habit."""

import cv2
import numpy as np
import pytest

from fkd.detect import Detection, find_faces, habit_box, habit_errors, matching
from fkd.preprocess import to_grey

# The astronaut's eyes, nose tip and chin, read off the photo.
EYES, CHIN = (224, 110), (224, 174)


def contains(box, place) -> bool:
    return box[0] < place[0] < box[0] + box[2] and box[1] < place[1] < box[1] + box[3] * 1.2


def test_the_astronauts_face_is_the_surest_of_few_boxes(astronaut):
    found, *false = find_faces(to_grey(astronaut))
    assert len(false) <= 2  # the network throws them out (test_predictor.py)
    assert contains(found.box, EYES) and contains(found.box, CHIN)
    assert all(isinstance(value, int) for value in found.box)


def test_a_photo_five_times_as_large_gives_the_same_face(astronaut):
    grey = to_grey(astronaut)
    small = find_faces(grey)[0]
    large = find_faces(cv2.resize(grey, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))
    best = np.array(large[0].box) / 5
    np.testing.assert_allclose(best, small.box, atol=0.12 * small.box[2])


def test_a_face_smaller_than_min_face_is_not_looked_for(astronaut):
    assert find_faces(to_grey(astronaut), min_face=200) == []


def with_a_smaller_face(astronaut, ratio: float) -> np.ndarray:
    """The astronaut's face, twice as large as in her photo, and a smaller copy beside it."""
    face = cv2.resize(to_grey(astronaut)[:220, 120:330], None, fx=2, fy=2)
    small = cv2.resize(face, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)
    both = np.full((face.shape[0], 2 * face.shape[1]), 128, np.uint8)
    both[:, : face.shape[1]] = face
    both[: small.shape[0], face.shape[1] : face.shape[1] + small.shape[1]] = small
    return both


def smaller_ones(photo: np.ndarray, **options) -> list[Detection]:
    """Detections in the right half."""
    return [f for f in find_faces(photo, **options) if f.box[0] > photo.shape[1] / 2]


def test_much_smaller_faces_than_a_sure_one_are_looked_for_only_when_asked(astronaut, monkeypatch):
    photo = with_a_smaller_face(astronaut, 0.25)  # 200 px and 50 px; 5 % is 42 px
    assert smaller_ones(photo) == []
    assert any(40 < face.box[2] < 65 for face in smaller_ones(photo, min_face=42))
    monkeypatch.setattr("fkd.detect.NEXT_TO_SURE", 0.0)
    assert any(40 < face.box[2] < 65 for face in smaller_ones(photo))


def test_a_face_two_thirds_as_large_as_a_sure_one_is_found(astronaut):
    found = smaller_ones(with_a_smaller_face(astronaut, 0.67))
    assert any(110 < face.box[2] < 160 for face in found)


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (23, 23)])
def test_a_photo_smaller_than_the_cascades_window_has_no_face(shape):
    assert find_faces(np.zeros(shape, np.uint8)) == []


def test_noise_and_flat_pictures_have_no_face():
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    assert find_faces(noise) == [] and find_faces(np.full((200, 200), 90, np.uint8)) == []


def points_around(x: float, y: float, side: float) -> np.ndarray:
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]])
    return (np.tile(corners, (17, 1)) + [x, y]).astype(np.float32)


def test_the_habit_box_has_no_habit_errors():
    points = points_around(300, 200, 176)
    right, down, ratio = habit_errors(habit_box(points), points)
    assert abs(right) < 0.01 and abs(down) < 0.01 and ratio == pytest.approx(1, abs=0.01)


def test_the_habit_box_sits_high_on_the_face():
    points = points_around(300, 200, 176)
    _, y, side, _ = habit_box(points)
    assert side == 200
    centre_of_points, centre_of_box = 200 + 88, y + side / 2
    assert centre_of_points - centre_of_box == pytest.approx(0.155 * side, abs=1)


def test_matching_takes_the_nearest_box_that_fits_and_none_far_away():
    points = points_around(300, 200, 176)
    x, y, side, _ = habit_box(points)
    near = Detection((x + 5, y, side, side), 1.0)
    nearer = Detection((x + 2, y, side, side), 0.5)
    far = Detection((x + side, y, side, side), 9.0)
    large = Detection((x - side, y - side, 3 * side, 3 * side), 9.0)
    assert matching([far, near, nearer, large], points) is nearer
    assert matching([far, large], points) is None
