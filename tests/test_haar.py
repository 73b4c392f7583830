"""The Haar detector."""

import cv2
import numpy as np
import pytest

from fkd.detection.detections import Detection
from fkd.detection.haar import find_faces, search, smaller_min_faces
from fkd.geometry.crop import to_grey

# The astronaut's eyes, nose tip and chin, read off the photo.
EYES, CHIN = (224, 110), (224, 174)


def contains(box, place) -> bool:
    return box[0] < place[0] < box[0] + box[2] and box[1] < place[1] < box[1] + box[3] * 1.2


def test_the_astronauts_face_is_the_first_of_few_boxes(astronaut):
    found, *false = find_faces(to_grey(astronaut))
    assert len(false) <= 2  # the face score drops them (test_predictor.py)
    assert contains(found.box, EYES) and contains(found.box, CHIN)
    assert all(isinstance(value, int) for value in found.box)


def test_a_photo_five_times_as_large_gives_the_same_face(astronaut):
    grey = to_grey(astronaut)
    small = find_faces(grey)[0]
    large = find_faces(cv2.resize(grey, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))
    best = np.array(large[0].box) / 5
    np.testing.assert_allclose(best, small.box, atol=0.12 * small.box[2])


def test_a_face_smaller_than_min_face_is_not_searched_for(astronaut):
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


def test_much_smaller_faces_than_a_confident_one_are_searched_for_only_when_asked(
    astronaut, monkeypatch
):
    photo = with_a_smaller_face(astronaut, 0.25)  # 200 px and 50 px; 5 % is 42 px
    assert smaller_ones(photo) == []
    assert any(40 < face.box[2] < 65 for face in smaller_ones(photo, min_face=42))
    monkeypatch.setattr("fkd.detection.haar.SMALLEST_BESIDE_CONFIDENT", 0.0)
    assert any(40 < face.box[2] < 65 for face in smaller_ones(photo))


def test_a_face_two_thirds_as_large_as_a_confident_one_is_found(astronaut):
    found = smaller_ones(with_a_smaller_face(astronaut, 0.67))
    assert any(110 < face.box[2] < 160 for face in found)


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (23, 23)])
def test_a_photo_smaller_than_the_cascades_window_has_no_face(shape):
    assert find_faces(np.zeros(shape, np.uint8)) == []


def test_noise_and_flat_pictures_have_no_face():
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    assert find_faces(noise) == [] and find_faces(np.full((200, 200), 90, np.uint8)) == []


def test_a_search_says_down_to_which_size_it_looked(astronaut):
    grey = to_grey(astronaut)
    assert search(np.zeros((1080, 1920), np.uint8)).min_face == 106  # 5.5 % of 1920
    assert search(grey, 20).min_face == 24 and search(grey, 100).min_face == 100
    beside = search(with_a_smaller_face(astronaut, 0.25)).min_face  # the confident one has 206 px
    assert 0.5 * 206 < beside < 0.65 * 206


@pytest.mark.parametrize(
    ("width", "height", "sides"),
    [(500, 375, []), (1000, 700, [24]), (1920, 1080, [48, 24]), (10, 4000, [96, 48, 24])],
)
def test_smaller_faces_are_searched_for_octave_by_octave_down_to_the_window(width, height, sides):
    assert smaller_min_faces(np.zeros((height, width), np.uint8)) == sides
