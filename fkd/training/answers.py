"""A torch network as what serves: points, and how sure of them, from the spread of its maps."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fkd.certainty import Answer, Certainty, Logistic, Network
from fkd.training.models import cell_centres


def map_spread(maps: Tensor, size: int) -> Tensor:
    """Standard deviation of each map (N, 68, H, W), pixels of a crop of `size`: (N, 68)."""
    variance = torch.zeros(maps.shape[:2], device=maps.device)
    for axis, cells in ((2, maps.shape[3]), (3, maps.shape[2])):
        share, place = maps.sum(axis), cell_centres(cells, size, maps.device)
        mean = (share * place).sum(-1, keepdim=True)
        variance = variance + (share * (place - mean) ** 2).sum(-1)
    return variance.sqrt()


class Answering(nn.Module):
    """A network that answers a tuple: points, and with a certainty confidence and score too."""

    def __init__(self, net: nn.Module, certainty: Certainty | None) -> None:
        super().__init__()
        self.net, self.certainty = net, certainty

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        points, maps = self.net(image)
        if self.certainty is None:
            return (points.float(),)
        spread = map_spread(maps, image.shape[-1])
        confidence = _apply(self.certainty.point, spread)
        return points.float(), confidence, _apply(self.certainty.face, spread.mean(dim=1))


def _apply(logistic: Logistic, x: Tensor) -> Tensor:
    return torch.sigmoid((logistic.middle - x) / logistic.width)


def torch_network(net: nn.Module, certainty: Certainty | None = None, threads: int = 0) -> Network:
    """The network as a function of arrays, on the device where its weights are.

    threads: of torch, for the whole process; 0 leaves them as they are.
    """
    answering = Answering(net, certainty)
    device = next(net.parameters()).device
    if threads:
        torch.set_num_threads(threads)

    def answer(pixels: NDArray[np.uint8]) -> Answer:
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(device).float()
            return Answer(*(part.cpu().numpy() for part in answering(batch)))

    return answer


def spreads(net: nn.Module, pixels: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float32]:
    """The spread of each point's map (N, 68) for crops (N, 1, S, S), crop pixels."""
    with torch.inference_mode():
        parts = [
            map_spread(net(torch.from_numpy(pixels[i : i + batch]).float()).maps, pixels.shape[-1])
            for i in range(0, len(pixels), batch)
        ]
    return np.asarray(torch.cat(parts).numpy())
