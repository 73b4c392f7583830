"""A packaged model that teaches another."""

import dataclasses

import numpy as np
import pytest
import torch

from fkd.model_info import find_model
from fkd.onnx_model import open_onnx
from fkd.params import ParamsError
from fkd.preprocess import CropSpec, crop_face, to_crop
from fkd.training.fit import _Run
from fkd.training.losses import LOSSES
from fkd.training.teacher import open_teacher


def test_a_teacher_answers_in_the_pixels_of_the_pupils_crop(faces):
    theirs = open_onnx(find_model("base"))[1].crop
    ours = dataclasses.replace(theirs, size=96)
    teach = open_teacher("base", ours)
    cut = [crop_face(face.grey, face.box, ours) for face in faces[:4]]
    points = teach(torch.from_numpy(np.stack([crop.pixels[None] for crop in cut]))).numpy()
    true = np.stack([to_crop(f.points, c.transform) for f, c in zip(faces, cut, strict=False)])
    assert np.abs((points - true).mean(axis=(0, 1))).max() < 1.0  # px; a forgotten scale is 20
    assert np.median(np.linalg.norm(points - true, axis=-1)) < 3.0


def test_the_pupil_aims_halfway_between_label_and_teacher(params, monkeypatch):
    train = dataclasses.replace(params.train, model="nano", crop=CropSpec(size=96), teacher="base")
    run = _Run(train, torch.device("cpu"), 1)
    run.teacher = lambda pixels: torch.full((len(pixels), 68, 2), 40.0)
    aims = []

    def loss(predicted, aim):
        aims.append(aim)
        return (predicted - aim).abs().mean()

    monkeypatch.setitem(LOSSES, "wing", loss)
    run.step(torch.zeros(2, 1, 96, 96, dtype=torch.uint8), torch.full((2, 68, 2), 20.0), 0.0)
    torch.testing.assert_close(aims[0] * 96, torch.full((2, 68, 2), 30.0))


def test_a_teacher_of_another_framing_or_name_is_refused():
    with pytest.raises(ParamsError, match="base cuts faces"):
        open_teacher("base", CropSpec(size=96, scale=1.5))
    with pytest.raises(ParamsError, match="nobody: no such model"):
        open_teacher("nobody", CropSpec())
