"""One ONNX file: it answers as torch does, at any batch, and says how it must be fed."""

import numpy as np
import onnx
import pytest
import torch

from fkd.certainty import Answer, Certainty, Logistic
from fkd.evaluate import crops
from fkd.model_info import ModelError, ModelInfo, find_model, from_metadata
from fkd.onnx_model import open_onnx
from fkd.preprocess import CropSpec
from fkd.training.answers import torch_network
from fkd.training.checkpoint import (
    CERTAINTY,
    Checkpoint,
    CheckpointError,
    load_certainty,
    load_checkpoint,
    save_certainty,
    save_checkpoint,
)
from fkd.training.export import export_onnx, parity
from fkd.training.models import MODELS
from pipelines.export import PHOTOS_LICENCE, weights_licence

SURE = Certainty(Logistic(6.0, 1.0), Logistic(8.0, 0.5), 0.3)
CERTAINTIES = {"cnn5": None, "pyramid": SURE, "nano": SURE, "wide": SURE}
SIDES = {"cnn5": 64, "pyramid": 128, "nano": 96, "wide": 160}
CROPS = {name: CropSpec(size=side) for name, side in SIDES.items()}


def trained_a_little(name: str) -> Checkpoint:
    """Random weights with statistics of their own, as after some training."""
    torch.manual_seed(5)
    net = MODELS[name](CROPS[name].size)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return Checkpoint(name, CROPS[name], net.state_dict(), {"trained_on": "nothing"})


@pytest.fixture(scope="module", params=list(MODELS))
def exported(request, tmp_path_factory):
    checkpoint = trained_a_little(request.param)
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    info = ModelInfo(
        checkpoint.crop, checkpoint.model, checkpoint.about, {"a": {"b": {"nme": 1.0}}}, 0.3
    )
    export_onnx(checkpoint, CERTAINTIES[request.param], info, path)
    return checkpoint, info, path


@pytest.mark.parametrize(
    ("about", "licence"),
    [
        ({"trained_on": "synthetic", "drawn": "synthetic"}, "MIT"),
        ({"trained_on": "300w, synthetic", "drawn": "synthetic"}, PHOTOS_LICENCE),
        ({"trained_on": "a", "drawn": "a", "teachers_licence": "research use"}, "research use"),
        ({"trained_on": "300w", "drawn": "", "teachers_licence": "x"}, PHOTOS_LICENCE),
    ],
)
def test_weights_carry_the_licence_of_what_they_learned_from(about, licence):
    assert weights_licence(about) == licence


def test_torch_and_onnx_agree_at_every_batch_size(exported, faces):
    checkpoint, _, path = exported
    pixels = crops(faces[:18], [face.box for face in faces[:18]], checkpoint.crop)
    by_torch = torch_network(checkpoint.network(), CERTAINTIES[checkpoint.model])
    differences = parity(by_torch, open_onnx(path)[0], pixels)
    assert set(differences) == {"batch_1_px", "batch_2_px", "batch_16_px"}
    assert 0 < max(differences.values()) < 0.01


def test_parity_sees_a_difference_in_one_crop_of_many():
    pixels = np.zeros((20, 1, 8, 8), np.uint8)
    pixels[17] = 1

    def off(batch: np.ndarray) -> Answer:
        points = np.zeros((len(batch), 68, 2), np.float32)
        return Answer(points + batch.max(axis=(2, 3))[..., None] * 0.5)

    def zero(batch: np.ndarray) -> Answer:
        return Answer(np.zeros((len(batch), 68, 2), np.float32))

    assert set(parity(zero, off, pixels).values()) == {0.5}


def test_parity_sees_a_difference_in_a_score_alone_and_a_missing_one():
    pixels = np.zeros((3, 1, 8, 8), np.uint8)

    def answer(batch: np.ndarray, score: float) -> Answer:
        n = len(batch)
        some = np.full((n, 68), 0.5, np.float32)
        return Answer(np.zeros((n, 68, 2), np.float32), some, np.full(n, score, np.float32))

    differences = parity(lambda b: answer(b, 0.5), lambda b: answer(b, 0.75), pixels)
    assert set(differences.values()) == {0.25}
    with pytest.raises(ValueError, match="the other does not"):
        parity(lambda b: answer(b, 0.5), lambda b: Answer(answer(b, 0.5).points), pixels)


def test_a_certainty_comes_back_as_it_was_saved_and_a_damaged_one_is_named(tmp_path):
    beside = tmp_path / "model.pt"
    assert load_certainty(beside) is None
    for certainty in (SURE, None):
        save_certainty(certainty, beside)
        assert load_certainty(beside) == certainty
    (tmp_path / CERTAINTY).write_text('{"point": 1}')
    with pytest.raises(CheckpointError, match=r"certainty.json: not a calibration"):
        load_certainty(beside)


def test_the_file_says_what_went_into_it(exported):
    _, info, path = exported
    assert open_onnx(path)[1] == info


def test_the_file_is_one_and_holds_no_local_path(exported):
    path = exported[2]
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]
    data = path.read_bytes()
    assert b'File "' not in data and str(path.parents[3]).encode() not in data
    assert b"site-packages" not in data


def test_exporting_twice_gives_the_same_bytes(exported, tmp_path):
    checkpoint, info, path = exported
    export_onnx(checkpoint, CERTAINTIES[checkpoint.model], info, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path):
    saved = trained_a_little("pyramid")
    save_checkpoint(saved, tmp_path / "m.pt")
    loaded = load_checkpoint(tmp_path / "m.pt")
    assert (loaded.model, loaded.crop, loaded.about) == (saved.model, saved.crop, saved.about)
    assert all(torch.equal(loaded.weights[k], saved.weights[k]) for k in saved.weights)


@pytest.mark.parametrize("data", [b"", b"rubbish", b"PK\x03\x04rubbish"])
def test_a_foreign_checkpoint_is_refused_by_name(tmp_path, data):
    (tmp_path / "m.pt").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"m\.pt: not a checkpoint"):
        load_checkpoint(tmp_path / "m.pt")


def test_a_corrupt_onnx_file_is_refused_by_name(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"not onnx")
    with pytest.raises(ModelError, match=r"m.onnx: not an ONNX model"):
        open_onnx(tmp_path / "m.onnx")


def test_a_foreign_onnx_model_is_refused_by_name(tmp_path):
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    result = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([node], "g", [value], [result])
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9
    )
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"m.onnx: an ONNX model without fkd's metadata"):
        open_onnx(tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fkd_schema": "99"}, "another version"),
        ({"landmarks": "wflw-98"}, "another set of points"),
        ({"crop": "{"}, "damaged"),
        ({"crop": '{"sise": 1}'}, "damaged"),
    ],
)
def test_damaged_metadata_is_refused_by_name(change, message):
    good = ModelInfo(CropSpec(), "pyramid", {}, {}).to_metadata()
    with pytest.raises(ModelError, match=message):
        from_metadata({**good, **change}, "m.onnx")


def test_a_missing_model_is_named_with_what_there_is(tmp_path):
    with pytest.raises(
        ModelError, match="large: no such model; give base, nano, research or the path"
    ):
        find_model("large")
