"""A trained detector as a checkpoint, and as one ONNX file that answers as torch does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fkd.geometry.crop import CropSpec
from fkd.models.detector import STRIDES, DetectorInfo, open_detector
from fkd.training.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint
from fkd.training.detector.checkpoint import DetectorCheckpoint, load_detector, save_detector
from fkd.training.detector.export import detector_parity, export_detector, torch_detector
from fkd.training.detector.network import Detector
from fkd.training.networks import NETWORKS

INFO = DetectorInfo({"run": "7"}, {"scenes": {"recall": 91.5}}, 0.25)
TOLERANCE = 1e-4


def trained_a_little(seed: int) -> Detector:
    """Random weights and statistics, with which every channel of every map varies by about 1."""
    torch.manual_seed(seed)
    net = Detector()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    for head in net.head:
        torch.nn.init.normal_(head.weight, std=1.0)
    return net.eval()


def noise(*sizes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, size).astype(np.uint8) for size in sizes]


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("export") / "detector.onnx"
    export_detector(trained_a_little(0), INFO, path)
    return path


def test_the_file_answers_as_torch_does_for_any_height_and_width(exported):
    network, info = open_detector(exported)
    by_torch = torch_detector(trained_a_little(0))
    pictures = noise((64, 96), (32, 32), (320, 64), (96, 352))
    compared = detector_parity(by_torch, network, pictures)
    assert compared.pictures == 4 and 0 < compared.max_abs_diff < TOLERANCE
    for grey in pictures:
        shapes = [(14, grey.shape[0] // stride, grey.shape[1] // stride) for stride in STRIDES]
        assert [maps.shape for maps in network(grey)] == shapes
    assert all(maps.std(axis=(1, 2)).min() > 100 * TOLERANCE for maps in network(pictures[2]))
    assert info == INFO


def test_parity_tells_one_network_from_another(exported):
    other = torch_detector(trained_a_little(1))
    compared = detector_parity(other, open_detector(exported)[0], noise((64, 64)))
    assert compared.max_abs_diff > 1000 * TOLERANCE


def test_the_export_is_one_file(exported):
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


def answering(value: float):
    """A detector whose maps are zeros, and in one of its cells a value, for bright pictures."""

    def network(grey: np.ndarray) -> list[np.ndarray]:
        maps = [np.zeros((14, 8 // k, 8 // k), np.float32) for k in (1, 2, 4)]
        maps[1][13, 3, 2] = value if grey.max() > 100 else 0
        return maps

    return network


def test_parity_is_the_largest_difference_of_any_cell_of_any_picture():
    pictures = [np.full((64, 64), brightness, np.uint8) for brightness in (0, 200, 0)]
    compared = detector_parity(answering(0.0), answering(-0.5), pictures)
    assert (compared.pictures, compared.max_abs_diff) == (3, 0.5)


def test_maps_that_are_no_numbers_are_never_near_others():
    pictures = [np.full((64, 64), brightness, np.uint8) for brightness in (0, 200, 0)]
    compared = detector_parity(answering(np.nan), answering(0.0), pictures)
    assert not compared.max_abs_diff <= TOLERANCE


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    net = trained_a_little(0)
    save_detector(DetectorCheckpoint(net.state_dict(), {"run": "7"}), tmp_path / "d.pt")
    read = load_detector(tmp_path / "d.pt")
    assert read.provenance == {"run": "7"}
    compared = detector_parity(
        torch_detector(net), torch_detector(read.build_network()), noise((64, 96))
    )
    assert compared.max_abs_diff == 0


def test_a_checkpoint_of_the_other_kind_is_refused_by_its_name(tmp_path):
    detector, landmarks = tmp_path / "detector.pt", tmp_path / "landmarks.pt"
    save_detector(DetectorCheckpoint(Detector().state_dict(), {}), detector)
    weights = NETWORKS["cnn5"](64).state_dict()
    save_checkpoint(Checkpoint("cnn5", CropSpec(64), weights, {}), landmarks)
    for load, path in ((load_checkpoint, detector), (load_detector, landmarks)):
        with pytest.raises(CheckpointError) as error:
            load(path)
        assert str(error.value) == f"{path}: a checkpoint of another kind or version of fkd"


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ({"schema": "detector 1"}, "not a checkpoint of a detector"),
        ({"schema": "detector 1", "weights": {}}, "not a checkpoint of a detector"),
        (
            {"schema": "detector 1", "weights": {}, "provenance": {}, "crop": 5},
            "not a checkpoint of a detector",
        ),
        ({"schema": "detector 0"}, "a checkpoint of another kind or version of fkd"),
        ({"weights": {}}, "not a checkpoint of fkd (KeyError)"),
        ([1, 2], "not a checkpoint of fkd (TypeError)"),
    ],
)
def test_what_is_no_checkpoint_of_a_detector_is_refused(stored, sentence, tmp_path):
    path = tmp_path / "d.pt"
    torch.save(stored, path)
    with pytest.raises(CheckpointError) as error:
        load_detector(path)
    assert str(error.value) == f"{path}: {sentence}"


@pytest.mark.parametrize("weights", [{}, {"stem.0.weight": torch.zeros(3)}, 5, None, [1]])
def test_weights_of_other_layers_are_refused(weights):
    with pytest.raises(CheckpointError, match=r"^detector: a network of other layers than"):
        DetectorCheckpoint(weights, {}).build_network()
