"""What a training makes smaller: the loss of what a network answers to a batch."""

import torch
from torch import Tensor, nn

from fkd.training.losses import LOSSES, heatmap_divergence, view_loss
from fkd.training.networks import memory_format
from fkd.training.params import TrainParams

DTYPES = {"fp32": None, "bf16": torch.bfloat16}


class Objective(nn.Module):
    """A network with its loss. The loss is all it answers, so that processes that train together
    see which weights a batch does not reach."""

    def __init__(self, net: nn.Module, params: TrainParams) -> None:
        super().__init__()
        self.net, self.params, self.layout = net, params, memory_format(net)

    def forward(self, pixels: Tensor, points: Tensor, *view: Tensor) -> Tensor:
        """The loss of a `Batch`, one number."""
        params, size = self.params, self.params.crop.size
        pixels = pixels.float().contiguous(memory_format=self.layout)
        dtype = DTYPES[params.precision]
        with torch.autocast(pixels.device.type, dtype, enabled=dtype is not None):
            predicted = self.net(pixels)
        loss = LOSSES[params.loss](predicted.points / size, points / size)
        if params.heatmap_weight and predicted.heatmaps is not None:
            divergence = heatmap_divergence(predicted.heatmaps, points, size)
            loss = loss + params.heatmap_weight * divergence
        if params.view_weight and predicted.view is not None:
            loss = loss + params.view_weight * view_loss(predicted.view, *view)
        return loss
