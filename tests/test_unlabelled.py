"""Photos without labels, with the points of a teacher."""

import cv2
import numpy as np
import pytest
from conftest import ASTRONAUT

from fkd import Predictor
from fkd.datasets.params import DEFAULT_PREPARE, DataParams
from fkd.datasets.prepare import Rejected
from fkd.datasets.unlabelled import UnlabelledParams, look_often, unlabelled_faces
from fkd.geometry.boxes import reference_box
from fkd.models.metadata import FREE_LICENCE
from pipelines.lineage import UNKNOWN_LICENCE, PhotosLicence, weights_licence
from pipelines.train import held_out

PARAMS = UnlabelledParams(
    teacher="base", crops=4, shift=0.06, scale=0.1, max_disagreement=1.5, seed=3
)


@pytest.fixture(scope="module")
def free(tmp_path_factory):
    """A face, nothing, and a broken file."""
    folder = tmp_path_factory.mktemp("photos") / "free"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "face.png").write_bytes(ASTRONAUT.read_bytes())
    cv2.imwrite(str(folder / "nothing.png"), np.full((80, 80), 128, np.uint8))
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_a_photos_face_becomes_a_training_face_near_what_the_teacher_says_once(free):
    faces = list(unlabelled_faces(free, PARAMS, DEFAULT_PREPARE))
    kept = [face for face in faces if not isinstance(face, Rejected)]
    left_out = {face.name: face.reason for face in faces if isinstance(face, Rejected)}
    (face,) = kept
    assert (face.name, face.subset, face.synthetic) == ("a/face.png#0", "free", False)
    assert face.truth is None and face.detector_box is not None
    once = Predictor("base")(ASTRONAUT)[0].points
    eyes = np.linalg.norm(once[36] - once[45])
    corner = face.points[36] - once[36]  # the face chip's
    assert np.linalg.norm(face.points - corner - once, axis=1).mean() < 0.02 * eyes
    assert left_out["nothing.png"] == "no face was found" and "broken.jpg" in left_out


def test_a_face_on_which_the_teacher_disagrees_with_itself_is_left_out(free):
    strict = PARAMS.model_copy(update={"max_disagreement": 0.01})
    reasons = [f.reason for f in unlabelled_faces(free, strict, DEFAULT_PREPARE)]
    assert any("the teacher's answers scatter by" in reason for reason in reasons)


def test_a_mirrored_photo_gets_the_mirrored_points(astronaut):
    """Each face is looked at mirrored too, so no side is preferred."""
    pipeline = Predictor("base").pipeline
    grey = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)
    (face,) = Predictor("base")(grey)
    x, y, side, _ = reference_box(face.points)
    still = PARAMS.model_copy(update={"shift": 0.0, "scale": 0.0})
    plain = look_often(np.random.default_rng(0), grey, (x, y, side, side), pipeline, still)
    box = (grey.shape[1] - x - side, y, side, side)
    mirrored = np.ascontiguousarray(grey[:, ::-1])
    other = look_often(np.random.default_rng(0), mirrored, box, pipeline, still)
    across = grey.shape[1] - 1 - other.points[:, 0]
    np.testing.assert_allclose(across[[36, 8, 48]], plain.points[[45, 8, 54], 0], atol=0.02)
    assert other.disagreement == pytest.approx(plain.disagreement, rel=1e-3)


@pytest.mark.parametrize(
    ("more", "of_photos", "of_unlabelled", "licence"),
    [
        ({}, "", FREE_LICENCE, "MIT"),
        ({}, "", "", UNKNOWN_LICENCE),
        ({}, "", "CC BY 4.0", "CC BY 4.0"),
        ({"unlabelled_teacher_licence": "research"}, "", FREE_LICENCE, "research"),
        ({"trained_on": "free, mine, synthetic"}, "CC0", FREE_LICENCE, "CC0"),
        ({"trained_on": "free, mine, synthetic"}, "", "CC BY", f"{UNKNOWN_LICENCE}; CC BY"),
    ],
)
def test_weights_carry_the_licence_of_unlabelled_photos(more, of_photos, of_unlabelled, licence):
    provenance = {
        "trained_on": "free, synthetic",
        "synthetic": "synthetic",
        "unlabelled": "free",
        **more,
    }
    assert FREE_LICENCE in str(DataParams.model_fields["unlabelled_licence"].description)
    told = PhotosLicence(licence=of_photos, unlabelled_licence=of_unlabelled)
    assert weights_licence(provenance, told) == licence


def test_a_tenth_of_the_unlabelled_faces_validates_in_runs():
    many = np.flatnonzero(held_out(430))
    assert many.tolist() == [*range(90, 100), *range(190, 200), *range(290, 300), *range(390, 400)]
    assert np.flatnonzero(held_out(27)).tolist() == [18, 19]
    assert not held_out(9).any() and len(held_out(0)) == 0
