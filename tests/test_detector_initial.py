"""The detector network that a training goes on from."""

import pytest
import torch
from crafted_scenes import PARAMS, disc, even

from fkd.datasets.scenes.store import Materials
from fkd.geometry.crop import to_grey
from fkd.io.config import ConfigError
from fkd.models.detector import open_detector
from fkd.models.zoo import DETECTOR, PACKAGED
from fkd.training.detector.batches import Scenes, collate
from fkd.training.detector.export import detector_parity, torch_detector
from fkd.training.detector.initial import initial_detector


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return Scenes(Materials([disc(), disc(face=False)], [even()]), PARAMS, 24, (0, 0))


def test_a_training_starts_where_the_packaged_detector_stands(scenes, astronaut):
    net = initial_detector("neural", scenes)
    packaged, _ = open_detector(DETECTOR, 1)
    compared = detector_parity(torch_detector(net), packaged, [to_grey(astronaut)])
    assert 0 < compared.max_abs_diff < 1e-3


def test_its_batch_norms_normalise_and_answer_the_same_while_they_do(scenes):
    net = initial_detector("neural", scenes)
    pixels = collate([scenes[i] for i in range(len(scenes))]).pixels.float()
    with torch.no_grad():
        fixed, by_batch = net(pixels), net.train()(pixels)
    for one, other in zip(fixed, by_batch, strict=True):
        assert torch.allclose(one, other, atol=1e-3)
    norms = [layer for layer in net.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert torch.cat([norm.weight.detach() for norm in norms]).std() > 0.1


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("gone.onnx", "train_detector.init: gone.onnx"),
        (str(PACKAGED["base"]), "not a face detector of this version"),
    ],
)
def test_a_start_that_is_no_detector_is_named(scenes, init, message):
    with pytest.raises(ConfigError, match=message):
        initial_detector(init, scenes)
