"""The torch backend: a network as what serves, with its confidence calibration."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fkd.models.confidence import ConfidenceCalibration, Logistic
from fkd.models.metadata import ModelError, ModelInfo
from fkd.models.output import Model, ModelOutput, checked
from fkd.training.checkpoint import CheckpointError, load_calibration, load_checkpoint
from fkd.training.networks import cell_centres
from fkd.training.onnx_weights import load_onnx_network


def heatmap_std(heatmaps: Tensor, size: int) -> Tensor:
    """Standard deviation of each heatmap (N, 68, H, W), pixels of a crop of `size`: (N, 68)."""
    variance = torch.zeros(heatmaps.shape[:2], device=heatmaps.device)
    for axis, cells in ((2, heatmaps.shape[3]), (3, heatmaps.shape[2])):
        weight, place = heatmaps.sum(axis), cell_centres(cells, size, heatmaps.device)
        mean = (weight * place).sum(-1, keepdim=True)
        variance = variance + (weight * (place - mean) ** 2).sum(-1)
    return variance.sqrt()


class ServedNetwork(nn.Module):
    """A network that answers a tuple, the beginning of a `ModelOutput`: points; with a calibration
    confidence and score too; with a view's head all of it."""

    def __init__(self, net: nn.Module, calibration: ConfidenceCalibration | None) -> None:
        super().__init__()
        self.net, self.calibration = net, calibration

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        points, heatmaps, view = self.net(image)
        if self.calibration is None:
            return (points.float(),)
        std = heatmap_std(heatmaps, image.shape[-1])
        confidence = _apply(self.calibration.point, std)
        scored = points.float(), confidence, _apply(self.calibration.face, std.mean(dim=1))
        return scored if view is None else (*scored, view.visible.sigmoid(), view.depth, view.pose)


def _apply(logistic: Logistic, x: Tensor) -> Tensor:
    return torch.sigmoid((logistic.middle - x) / logistic.width)


def torch_model(
    net: nn.Module, calibration: ConfidenceCalibration | None = None, threads: int = 0
) -> Model:
    """The network as a function of arrays, on the device where its weights are.

    threads: of torch, for the whole process; 0 leaves them as they are.
    """
    served = ServedNetwork(net, calibration)
    device = next(net.parameters()).device
    if threads:
        torch.set_num_threads(threads)

    def model(pixels: NDArray[np.uint8]) -> ModelOutput:
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(device).float()
            return ModelOutput(*(part.cpu().numpy() for part in served(batch)))

    return model


def points_and_std(
    net: nn.Module, batches: Iterable[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a network with heatmaps answers to batches of crops (N, 1, S, S): points (N, 68, 2) and
    standard deviations of the heatmaps (N, 68), crop pixels."""
    points, std = [], []
    with torch.inference_mode():
        for pixels in batches:
            predicted = net(torch.from_numpy(pixels).float())
            points.append(predicted.points.numpy())
            std.append(heatmap_std(predicted.heatmaps, pixels.shape[-1]).numpy())
    return np.concatenate(points), np.concatenate(std)


def open_checkpoint(path: Path, threads: int = 0) -> tuple[Model, ModelInfo]:
    """`open_model` for checkpoints (.pt)."""
    try:
        loaded = load_checkpoint(path)
        net, calibration = loaded.build_network(), load_calibration(path)
    except CheckpointError as error:
        raise ModelError(str(error)) from None
    min_score = calibration.min_score if calibration else None
    info = ModelInfo(loaded.crop, loaded.network, loaded.provenance, {}, min_score)
    return checked(torch_model(net, calibration, threads), str(path)), info


def open_torch(path: Path, threads: int = 0) -> tuple[Model, ModelInfo]:
    """`open_model` for the torch backend: a checkpoint (.pt), or an .onnx file's own weights."""
    if path.suffix == ".pt":
        return open_checkpoint(path, threads)
    net, calibration, info = load_onnx_network(path)
    return checked(torch_model(net, calibration, threads), str(path)), info
