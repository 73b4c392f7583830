"""A packaged model that teaches another."""

import dataclasses

import numpy as np
import pytest

from fkd.certainty import Answer
from fkd.model_info import find_model
from fkd.onnx_model import open_onnx
from fkd.params import ParamsError
from fkd.preprocess import CropSpec, crop_face, to_photo
from fkd.training.teacher import taught
from pipelines.train import learned_from


def test_the_pupil_aims_halfway_between_label_and_answer(faces):
    """A teacher that says the middle of the crop for every point."""
    crop = CropSpec(size=96)
    answer = lambda pixels: Answer(np.full((len(pixels), 68, 2), 47.5, np.float32))  # noqa: E731
    for face, new in zip(faces, taught(faces, answer, crop), strict=True):
        middle = to_photo(np.full((1, 2), 47.5), crop_face(face.grey, face.box, crop).transform)
        np.testing.assert_allclose(new.points, (face.points + middle) / 2, atol=1e-3)
        assert new.grey is face.grey and new.points.dtype == np.float32


def test_what_base_teaches_lies_near_the_labels(faces):
    network, info = open_onnx(find_model("base"))
    new = taught(faces, network, info.crop)
    moved = [np.linalg.norm(a.points - b.points, axis=-1) for a, b in zip(faces, new, strict=True)]
    sides = np.array([np.ptp(face.points, axis=0).max() for face in faces])
    assert 0.001 < np.median(np.mean(moved, axis=1) / sides) < 0.03


def test_the_teacher_is_named_with_its_files_hash_and_a_wrong_one_is_refused(faces):
    same, nobody = learned_from(faces, "")
    assert same is faces and nobody == {}
    _, named = learned_from(faces, "base")
    assert named["teacher"].startswith("base.onnx ") and len(named["teacher"]) == 26
    with pytest.raises(ParamsError, match="nobody: no such model"):
        learned_from([dataclasses.replace(faces[0])], "nobody")
