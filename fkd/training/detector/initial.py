"""The detector network that a training starts from: random weights, or those of a trained one."""

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from fkd.io.config import ConfigError
from fkd.models.detector import open_detector
from fkd.models.metadata import ModelError
from fkd.models.zoo import DETECTOR
from fkd.training.detector.batches import Scenes, collate
from fkd.training.detector.network import Detector
from fkd.training.onnx_weights import initializers, unfolded_state

PACKAGED = "neural"


def initial_detector(init: str, scenes: Scenes) -> Detector:
    """A fresh network, or that of `init`: an .onnx file, or "neural" for the packaged one.

    scenes: some hundred, whose moments its batch norms take. Raises ConfigError when `init` cannot
    be used.
    """
    if not init:
        return Detector()
    try:
        net = load_onnx_detector(DETECTOR if init == PACKAGED else Path(init))
    except ModelError as error:
        raise ConfigError(f"train_detector.init: {error}") from None
    normalise(net, collate([scenes[i] for i in range(len(scenes))]).pixels.float())
    return net


def load_onnx_detector(path: Path) -> Detector:
    """The network of an exported detector. Export has folded each batch norm into its convolution;
    here it is the identity with a bias. Raises ModelError."""
    open_detector(path)
    net = Detector()
    try:
        net.load_state_dict(unfolded_state(net, initializers(onnx.load(path).graph), prefix=""))
    except (KeyError, RuntimeError) as error:
        fault = str(error).split("\n")[0]
        raise ModelError(f"{path}: its layers are not the detector's ({fault})") from None
    return net


@torch.no_grad()
def normalise(net: nn.Module, pixels: Tensor) -> None:
    """Let batch norms that are the identity normalise again, as training needs it, with the network
    as it was: each takes the moments of what it sees of these pictures, float (B, 1, H, W), and
    scales them back."""

    def take_moments(layer: nn.Module, seen: tuple[Tensor]) -> None:
        assert isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None
        variance, mean = torch.var_mean(seen[0], dim=(0, 2, 3), correction=0)
        layer.weight.copy_(torch.sqrt(variance + layer.eps))
        layer.bias.add_(mean)
        layer.running_mean.copy_(mean)
        assert layer.running_var is not None
        layer.running_var.copy_(variance)

    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(take_moments) for norm in norms]
    net.eval()(pixels)
    for hook in hooks:
        hook.remove()
