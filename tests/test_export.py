"""One ONNX file: it answers as torch does, at any batch, and says how it must be fed."""

import numpy as np
import onnx
import pytest
import torch

from fkd.evaluation.scoring import face_crops
from fkd.geometry.crop import CropSpec
from fkd.models.confidence import ConfidenceCalibration, Logistic
from fkd.models.metadata import ModelError, ModelInfo, from_metadata
from fkd.models.output import ModelOutput
from fkd.models.session import open_onnx
from fkd.models.zoo import find_model
from fkd.training.backend import torch_model
from fkd.training.checkpoint import (
    CALIBRATION,
    Checkpoint,
    CheckpointError,
    load_calibration,
    load_checkpoint,
    save_calibration,
    save_checkpoint,
)
from fkd.training.export import export_onnx
from fkd.training.networks import NETWORKS
from fkd.training.parity import CELL, parity
from pipelines.lineage import UNKNOWN_LICENCE, PhotosLicence, weights_licence

CALIBRATED = ConfidenceCalibration(Logistic(6.0, 1.0), Logistic(8.0, 0.5), 0.3)
CALIBRATIONS = {"cnn5": None, "pyramid": CALIBRATED, "nano": CALIBRATED, "wide": CALIBRATED}
SIDES = {"cnn5": 64, "pyramid": 128, "nano": 96, "wide": 160}
CROPS = {name: CropSpec(size=side) for name, side in SIDES.items()}


def trained_a_little(name: str) -> Checkpoint:
    """Random weights with statistics of their own, as after some training."""
    torch.manual_seed(5)
    net = NETWORKS[name](CROPS[name].size)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return Checkpoint(name, CROPS[name], net.state_dict(), {"trained_on": "nothing"})


# Wider twins of `nano`, whose export takes eight seconds each.
TWINS = ("pyramid", "wide")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow) if name in TWINS else name for name in NETWORKS
    ],
)
def exported(request, tmp_path_factory):
    checkpoint = trained_a_little(request.param)
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    info = ModelInfo(
        checkpoint.crop, checkpoint.network, checkpoint.provenance, {"a": {"b": {"nme": 1.0}}}, 0.3
    )
    export_onnx(checkpoint, CALIBRATIONS[request.param], info, path)
    return checkpoint, info, path


@pytest.mark.parametrize(
    ("provenance", "of_photos", "licence"),
    [
        ({"trained_on": "synthetic", "synthetic": "synthetic"}, "", "MIT"),
        ({"trained_on": "synthetic", "synthetic": "synthetic"}, "CC0", "MIT"),
        ({"trained_on": "300w, synthetic", "synthetic": "synthetic"}, "", UNKNOWN_LICENCE),
        ({"trained_on": "mine", "synthetic": ""}, "CC BY 4.0", "CC BY 4.0"),
        ({"trained_on": "a", "synthetic": "a", "teacher_licence": "research"}, "", "research"),
        ({"trained_on": "a", "synthetic": "a", "init_licence": "research"}, "", "research"),
        ({"trained_on": "b", "synthetic": "", "init_licence": "research"}, "CC0", "CC0; research"),
    ],
)
def test_weights_carry_the_licences_of_all_that_they_learned_from(provenance, of_photos, licence):
    told = PhotosLicence(licence=of_photos, unlabelled_licence="")
    assert weights_licence(provenance, told) == licence


def test_torch_and_onnx_agree_at_every_batch_size(exported, faces):
    checkpoint, _, path = exported
    pixels = face_crops(faces[:18], checkpoint.crop)
    by_torch = torch_model(checkpoint.build_network(), CALIBRATIONS[checkpoint.network])
    compared = parity(by_torch, open_onnx(path)[0], pixels)
    assert compared.crops == 18 and 0 < compared.max_abs_diff_px < 0.01
    assert (compared.max_abs_diff_probability > 0) == bool(CALIBRATIONS[checkpoint.network])
    assert (compared.max_abs_diff_degrees > 0) == bool(CALIBRATIONS[checkpoint.network])
    assert compared.passed(0.01, 0.001, 0.01)


def test_parity_sees_a_difference_in_one_crop_of_many():
    pixels = np.zeros((20, 1, 8, 8), np.uint8)
    pixels[17] = 1

    def off(batch: np.ndarray) -> ModelOutput:
        points = np.zeros((len(batch), 68, 2), np.float32)
        return ModelOutput(points + batch.max(axis=(2, 3))[..., None] * 0.5)

    def zero(batch: np.ndarray) -> ModelOutput:
        return ModelOutput(np.zeros((len(batch), 68, 2), np.float32))

    compared = parity(zero, off, pixels)
    assert compared.max_abs_diff_px == 0.5 and compared.max_abs_diff_probability == 0


def test_parity_tells_probabilities_from_pixels_and_sees_a_missing_score():
    pixels = np.zeros((3, 1, 8, 8), np.uint8)

    def answer(batch: np.ndarray, score: float) -> ModelOutput:
        n = len(batch)
        some = np.full((n, 68), 0.5, np.float32)
        return ModelOutput(np.zeros((n, 68, 2), np.float32), some, np.full(n, score, np.float32))

    compared = parity(lambda b: answer(b, 0.5), lambda b: answer(b, 0.75), pixels)
    assert compared.max_abs_diff_px == 0 and compared.max_abs_diff_probability == 0.25
    assert compared.passed(0.01, 0.25, 0.01) and not compared.passed(0.01, 0.24, 0.01)
    with pytest.raises(ValueError, match="the other does not"):
        parity(lambda b: answer(b, 0.5), lambda b: ModelOutput(answer(b, 0.5).points), pixels)


def test_parity_tells_degrees_of_the_pose_and_pixels_of_the_depth():
    pixels = np.zeros((3, 1, 8, 8), np.uint8)

    def answer(batch: np.ndarray, depth: float, yaw: float) -> ModelOutput:
        n = len(batch)
        some = np.full((n, 68), 0.5, np.float32)
        pose = np.tile(np.array([yaw, 0, 0], np.float32), (n, 1))
        points, score = np.zeros((n, 68, 2), np.float32), np.full(n, 0.5, np.float32)
        return ModelOutput(points, some, score, some, some * 2 * depth, pose)

    compared = parity(lambda b: answer(b, 1.0, 20.0), lambda b: answer(b, 1.25, 17.0), pixels)
    assert (compared.max_abs_diff_px, compared.max_abs_diff_degrees) == (0.25, 3.0)
    assert compared.passed(0.25, 0, 3.0) and not compared.passed(0.25, 0, 2.9)


@pytest.mark.parametrize(("x", "told"), [(7.5004, 0.0), (7.502, 0.5), (7.4996, 0.0), (9.5, 0.5)])
def test_parity_passes_over_what_is_visible_only_on_a_border_between_cells(x, told):
    def answer(batch: np.ndarray, visible: float) -> ModelOutput:
        n = len(batch)
        some, points = np.full((n, 68), 0.5, np.float32), np.full((n, 68, 2), 9.0, np.float32)
        seen, pose = np.full((n, 68), visible, np.float32), np.zeros((n, 3), np.float32)
        points[..., 0] = x
        return ModelOutput(points, some, np.full(n, 0.5, np.float32), seen, some, pose)

    pixels = np.zeros((3, 1, 8, 8), np.uint8)
    compared = parity(lambda b: answer(b, 0.25), lambda b: answer(b, 0.75), pixels)
    assert compared.max_abs_diff_probability == told


@pytest.mark.parametrize("name", ["pyramid", "nano", "wide"])
def test_the_cells_of_a_network_are_as_wide_as_parity_takes_them(name):
    size = 96
    told = NETWORKS[name](size).eval()(torch.zeros(1, 1, size, size))
    assert told.heatmaps.shape[-1] * CELL == size


def test_a_calibration_comes_back_as_it_was_saved_and_a_damaged_one_is_named(tmp_path):
    beside = tmp_path / "model.pt"
    assert load_calibration(beside) is None
    for calibration in (CALIBRATED, None):
        save_calibration(calibration, beside)
        assert load_calibration(beside) == calibration
    (tmp_path / CALIBRATION).write_text('{"point": 1}')
    with pytest.raises(CheckpointError, match=r"confidence.json: not a calibration"):
        load_calibration(beside)


def test_the_file_says_what_went_into_it(exported):
    _, info, path = exported
    assert open_onnx(path)[1] == info


def test_the_file_is_one_and_holds_no_local_path_nor_notes_of_the_exporter(exported):
    path = exported[2]
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]
    data = path.read_bytes()
    assert b'File "' not in data and str(path.parents[3]).encode() not in data
    assert b"site-packages" not in data and b"ExportedProgram" not in data


@pytest.mark.slow
def test_exporting_twice_gives_the_same_bytes(exported, tmp_path):
    checkpoint, info, path = exported
    export_onnx(checkpoint, CALIBRATIONS[checkpoint.network], info, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path):
    saved = trained_a_little("pyramid")
    save_checkpoint(saved, tmp_path / "m.pt")
    loaded = load_checkpoint(tmp_path / "m.pt")
    assert (loaded.network, loaded.crop) == (saved.network, saved.crop)
    assert loaded.provenance == saved.provenance
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
        ModelError, match="large: no such model; give base, nano, research, the path"
    ):
        find_model("large")
