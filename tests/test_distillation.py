"""Distillation: a packaged model as the teacher of another."""

import numpy as np
import pytest

from fkd.datasets.saving import save_faces
from fkd.datasets.store import Faces, load_faces
from fkd.geometry.crop import CropSpec, crop_face, to_photo
from fkd.io.config import ConfigError
from fkd.models.output import ModelOutput
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model
from fkd.training.distillation import distilled
from pipelines.lineage import parent


@pytest.fixture(scope="module")
def stored(faces, tmp_path_factory) -> Faces:
    folder = tmp_path_factory.mktemp("stored")
    save_faces(faces, folder)
    return load_faces(folder)


def test_the_student_learns_the_middle_of_label_and_teachers_points(stored):
    """A teacher that answers the middle of the crop for every point."""
    crop = CropSpec(size=96)
    answer = lambda pixels: ModelOutput(np.full((len(pixels), 68, 2), 47.5, np.float32))  # noqa: E731
    for face, new in zip(stored, distilled(stored, answer, crop), strict=True):
        middle = to_photo(np.full((1, 2), 47.5), crop_face(face.grey, face.box, crop).transform)
        np.testing.assert_allclose(new.points, (face.points + middle) / 2, atol=1e-3)
        assert (new.grey == face.grey).all() and new.points.dtype == np.float32


def test_points_distilled_from_base_lie_near_the_labels(stored):
    network, info = open_onnx(find_model("base"))
    new = distilled(stored, network, info.crop)
    moved = [np.linalg.norm(a.points - b.points, axis=-1) for a, b in zip(stored, new, strict=True)]
    sides = np.array([np.ptp(face.points, axis=0).max() for face in stored])
    assert 0.001 < np.median(np.mean(moved, axis=1) / sides) < 0.03


def test_a_model_that_a_training_learns_from_is_named_with_its_hash_and_licence():
    assert parent("teacher", "") == {}
    named = parent("teacher", "base")
    assert list(named) == ["teacher", "teacher_run"]
    assert named["teacher"].startswith("base.onnx ") and len(named["teacher"]) == 26
    assert "research use only" in parent("init", "research")["init_licence"]
    with pytest.raises(ConfigError, match=r"train\.init: nobody: no such model"):
        parent("init", "nobody")
