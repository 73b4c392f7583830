"""From a labelled photo to a prepared face."""

import dataclasses

import cv2
import numpy as np
import pytest

from fkd.datasets.prepare import Rejected, face_chip, prepare_face, prepare_faces
from fkd.datasets.sample import BadSample, LabelledPhoto, Sample
from fkd.datasets.statistics import detector_statistics
from fkd.datasets.store import LabelledFace
from fkd.geometry.boxes import reference_box
from fkd.geometry.crop import CropSpec, crop_face, to_grey
from fkd.io.images import ImageError
from fkd.synthetic.face import render_face


def square_points(x: float, y: float, side: float) -> np.ndarray:
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]])
    return (np.tile(corners, (17, 1)) + [x, y]).astype(np.float32)


def one_eyed(x: float, y: float, side: float) -> np.ndarray:
    points = square_points(x, y, side)
    points[45] = points[36]
    return points


def sample(image: np.ndarray, points: np.ndarray) -> Sample:
    return Sample("a", "s", "p", False, lambda: LabelledPhoto(image, points))


def raising(error: Exception) -> Sample:
    def read():
        raise error

    return Sample("a", "s", "p", False, read)


def named(name: str) -> Sample:
    return Sample(name, "s", "p", False, lambda: LabelledPhoto(GREY, square_points(50, 50, 100)))


GREY = np.full((300, 300), 100, np.uint8)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (sample(GREY, square_points(50, 50, 20)), "the face is 20 px, smaller than 32"),
        (sample(GREY, square_points(-60, 50, 100)), "60 px outside"),
        (sample(GREY, one_eyed(50, 50, 100)), "both outer eye corners are at one place"),
        (sample(GREY, square_points(250, 50, 100)), "51 px outside"),
        (raising(BadSample("67 points instead of 68")), "67 points"),
        (raising(ImageError("a.jpg: not a picture")), "a.jpg: not a picture"),
        (named("a" * 300), "the name has 300 characters, more than 255"),
        (named("a\x1b[2J"), "the name has characters that cannot be shown"),
        (raising(ImageError("\x1b[2J\udcf6.jpg: no")), r"\x1b[2J\udcf6.jpg: no"),
        (raising(BadSample("x" * 100_000)), "x" * 197 + "..."),
    ],
)
def test_an_unusable_sample_is_rejected_with_its_reason(bad, reason, params):
    rejected = prepare_face(bad, params.prepare)
    assert isinstance(rejected, Rejected) and reason in rejected.reason
    for text in (rejected.name, rejected.reason):
        assert text.isprintable() and len(text) <= 200


def test_a_face_that_leaves_the_photo_a_little_is_kept(params):
    kept = prepare_face(sample(GREY, square_points(-10, 50, 100)), params.prepare)
    assert isinstance(kept, LabelledFace)


def test_where_the_detector_misses_the_box_is_built_from_the_points(params):
    points = square_points(100, 120, 88)
    face = prepare_face(sample(GREY, points), params.prepare)
    assert face.detector_box is None and face.box == face.reference_box
    assert face.box == reference_box(face.points)


def test_the_astronaut_is_boxed_by_the_detector_and_its_crop_is_the_photos(params, astronaut):
    points = square_points(178, 96, 84)
    face = prepare_face(sample(astronaut, points), params.prepare)
    assert face.detector_box is not None
    x, y = points[0] - face.points[0]
    on_photo = (face.box[0] + int(x), face.box[1] + int(y), *face.box[2:])
    spec = CropSpec()
    np.testing.assert_array_equal(
        crop_face(face.grey, face.box, spec).pixels,
        crop_face(to_grey(astronaut), on_photo, spec).pixels,
    )


def test_of_a_test_face_the_whole_photo_is_kept(params, astronaut):
    points = square_points(178, 96, 84)
    face = prepare_face(sample(astronaut, points), params.prepare, whole_photo=True)
    np.testing.assert_array_equal(face.grey, to_grey(astronaut))
    np.testing.assert_array_equal(face.points, points)


def test_a_large_face_is_shrunk_and_its_points_with_it(params):
    small = params.prepare.model_copy(update={"max_face": 100})
    grey = np.zeros((800, 800), np.uint8)
    points = square_points(200, 220, 352)
    cv2.circle(grey, (200, 220), 12, 255, -1)  # at point 0
    face = prepare_face(sample(grey, points), small)
    assert face.box[2] == pytest.approx(100, abs=1)
    y, x = np.mgrid[: face.grey.shape[0], : face.grey.shape[1]]
    weight = face.grey.astype(float)
    centre = [(x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()]
    np.testing.assert_allclose(centre, face.points[0], atol=0.3)


def test_a_face_chip_stays_inside_the_photo():
    x, y, cut = face_chip(GREY, [(-20, 250, 100, 100)], margin=2.0)
    assert (x, y) == (0, 200) and cut.shape == (100, 130)


@pytest.mark.slow
def test_one_worker_and_two_prepare_the_same_faces(recipe, params):
    samples = [Sample(str(i), "synthetic", str(i), False, Render(recipe, i)) for i in range(6)]
    runs = [
        list(prepare_faces(samples, params.prepare.model_copy(update={"num_workers": n})))
        for n in (1, 2)
    ]
    for one, two in zip(*runs, strict=True):
        assert one.box == two.box and one.name == two.name
        np.testing.assert_array_equal(one.grey, two.grey)


class Render:
    """`render_face` of one number, as a reader would give it."""

    def __init__(self, recipe, index):
        self.recipe, self.index = recipe, index

    def __call__(self):
        return render_face(self.recipe, self.index)


def boxes(faces) -> tuple[np.ndarray, np.ndarray]:
    """Reference boxes and a detector's boxes, as tables hold them."""
    found = [face.detector_box or (0, 0, 0, 0) for face in faces]
    return np.array([face.reference_box for face in faces]), np.array(found)


def test_where_no_face_is_found_there_is_no_scatter_of_boxes(faces):
    missed = dataclasses.replace(faces[0], detector_box=None)
    found = detector_statistics(*boxes([missed]))
    assert (found.recall, found.right, found.below, found.size) == (0, None, None, None)


def test_detector_statistics_count_faces_and_measures_a_known_shift(faces):
    face = faces[0]
    x, y, side, _ = face.reference_box
    shifted = dataclasses.replace(face, detector_box=(x + round(side * 0.1), y, side, side))
    missed = dataclasses.replace(face, detector_box=None)
    found = detector_statistics(*boxes([shifted, missed]))
    assert found.recall == 0.5 and found.faces == 2
    assert found.right[0] == pytest.approx(0.1, abs=0.01)
    assert found.below[0] == pytest.approx(0.0, abs=0.01)
