"""The networks: a dict of builders. Add one by writing a function and naming it in NETWORKS.

A network takes raw grey pixels 0..255, float32 (N, 1, S, S), and returns `Prediction`.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fkd.landmarks import COUNT

# The crop's side over that of the coarsest feature maps; every crop's side is a multiple of it.
STRIDE = 32
# Of the view's head: hidden units, and what its answers are near 1 in, crop pixels and degrees.
HIDDEN, DEPTH_UNIT, POSE_UNIT = 128, 10.0, 30.0
# oneDNN 3, as torch 2.13 has it, crashes in the backward pass of a strided 1x1 convolution of fewer
# channels than an AVX-512 register holds, where the channels of a pixel lie side by side.
AVX512_FLOATS = 16


class Prediction(NamedTuple):
    """points: float32 (N, 68, 2), crop pixels. heatmaps: (N, 68, H, W), which they came from, each
    sums to 1; None for a network without. view: None for one without a `ViewHead`."""

    points: Tensor
    heatmaps: Tensor | None
    view: "View | None" = None


class View(NamedTuple):
    """visible: (N, 68), logits of the probability that a point is seen. depth: (N, 68), crop
    pixels. pose: (N, 3), yaw, pitch and roll, degrees. As of a `GroundTruth`."""

    visible: Tensor
    depth: Tensor
    pose: Tensor


class Cnn5(nn.Module):
    """The starting recipe: five convolutions and one fully connected layer.

    It works in the units of its recipe, pixels in [0, 1] and keypoints about [-1, 1], and converts
    at both ends.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        widths, kernels = (1, 32, 64, 128, 256, 512), (5, 3, 3, 3, 1)
        layers: list[nn.Module] = []
        for i, kernel in enumerate(kernels):
            layers += [nn.Conv2d(widths[i], widths[i + 1], kernel, padding=kernel // 2)]
            layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.4)
        self.head = nn.Linear(widths[-1] * (size // 32) ** 2, 2 * COUNT)
        self.middle = (size - 1) / 2

    def forward(self, pixels: Tensor) -> Prediction:
        features = self.trunk(pixels / 255).flatten(1)
        normalised = self.head(self.dropout(features)).view(-1, COUNT, 2)
        return Prediction(normalised.float() * self.middle + self.middle, None)

    def feature_maps(self, pixels: Tensor) -> list[Tensor]:
        """The feature maps of the first two convolutions, for pictures of them."""
        first = self.trunk[:2](pixels / 255)
        return [first, self.trunk[2:5](first)]


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(inplace=True),
    )


class _Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = _convolution(inputs, outputs, 3, stride)
        self.second = nn.Sequential(
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.second(self.first(x)) + self.shortcut(x))


class ViewHead(nn.Module):
    """What is seen of a face and how it is turned, from the pooled features of the whole crop, and
    for each point from the features where it lies."""

    def __init__(self, coarse: int, fine: int) -> None:
        """coarse, fine: channels of the features at 1/32 and at 1/4 of the crop."""
        super().__init__()
        self.hidden = nn.Linear(coarse, HIDDEN)
        self.told = nn.Linear(HIDDEN, 2 * COUNT + 3)
        self.local = nn.Parameter(torch.zeros(COUNT, fine))

    def forward(self, coarse: Tensor, fine: Tensor, places: Tensor) -> View:
        """coarse: (N, C, h, w). fine: (N, F, H, H). places: (N, 68, 2), of the points, x and y from
        0 to 1 across the crop."""
        told = self.told(F.silu(self.hidden(coarse.mean(dim=(2, 3)))))
        across = fine.shape[3]
        column, row = (places * across).long().clamp(0, across - 1).unbind(dim=-1)
        cells = (row * across + column)[:, None].expand(-1, fine.shape[1], -1)
        at_points = fine.flatten(2).gather(2, cells)
        visible = told[:, :COUNT] + (at_points * self.local.T).sum(dim=1)
        depth, pose = told[:, COUNT : 2 * COUNT], told[:, 2 * COUNT :]
        return View(visible, depth * DEPTH_UNIT, pose * POSE_UNIT)


class Pyramid(nn.Module):
    """A residual trunk, a light top-down path to heatmaps of a quarter of the crop, soft-argmax."""

    def __init__(self, widths: tuple[int, int, int, int, int], wide: int) -> None:
        """widths: channels of the trunk at 1/2, 1/4 ... 1/32. wide: of the top-down path."""
        super().__init__()
        stem, c4, c8, c16, c32 = widths
        self.stem = _convolution(1, stem, 5, 2)
        self.down4 = _Residual(stem, c4, 2)
        self.down8 = nn.Sequential(_Residual(c4, c8, 2), _Residual(c8, c8))
        self.down16 = nn.Sequential(_Residual(c8, c16, 2), _Residual(c16, c16))
        self.down32 = nn.Sequential(_Residual(c16, c32, 2), _Residual(c32, c32))
        self.lateral = nn.ModuleList(nn.Conv2d(c, wide, 1) for c in (c4, c8, c16, c32))
        self.merge16 = _convolution(wide, wide, 3, groups=wide)
        self.merge8 = _convolution(wide, wide, 3, groups=wide)
        self.merge4 = nn.Sequential(
            _convolution(wide, wide, 3, groups=wide), _convolution(wide, wide, 1)
        )
        self.head = nn.Conv2d(wide, COUNT, 1)
        # None in a model of before there was one.
        self.view: ViewHead | None = ViewHead(c32, wide)

    def forward(self, pixels: Tensor) -> Prediction:
        x4 = self.down4(self.stem(pixels / 255))
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        x32 = self.down32(x16)
        from4, from8, from16, from32 = self.lateral
        y = self.merge16(from16(x16) + _double(from32(x32)))
        y = self.merge8(from8(x8) + _double(y))
        y = self.merge4(from4(x4) + _double(y))
        cells = torch.softmax(self.head(y).float().flatten(2), dim=-1)
        heatmaps = cells.view(-1, COUNT, *y.shape[2:])
        size = pixels.shape[-1]
        points = expectation(heatmaps, size)
        if self.view is None:
            return Prediction(points, heatmaps)
        # Where the points are is not to be learned from what is visible there.
        places = (points.detach() + 0.5) / size
        return Prediction(points, heatmaps, self.view(x32.float(), y.float(), places))

    def feature_maps(self, pixels: Tensor) -> list[Tensor]:
        """The feature maps of the stem and the first residual stage, for pictures of them."""
        first = self.stem(pixels / 255)
        return [first, self.down4(first)]


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def cell_centres(cells: int, size: int, device: torch.device) -> Tensor:
    """Crop pixels at which the cells of a heatmap lie: float32 (cells,), for a crop of `size`."""
    return (torch.arange(cells, device=device, dtype=torch.float32) + 0.5) * (size / cells) - 0.5


def expectation(heatmaps: Tensor, size: int) -> Tensor:
    """Soft-argmax: the mean place of each heatmap (N, 68, H, W), pixels of a crop of `size`."""
    down, across = (cell_centres(cells, size, heatmaps.device) for cells in heatmaps.shape[2:])
    x, y = (heatmaps.sum(2) * across).sum(-1), (heatmaps.sum(3) * down).sum(-1)
    return torch.stack([x, y], dim=-1)


def cnn5(size: int) -> nn.Module:
    """The baseline that the project started from, for 224x224 crops."""
    return Cnn5(size)


def pyramid(size: int) -> nn.Module:
    """The default: 2.0 M parameters, 126 M multiply-adds on a 128x128 crop."""
    return Pyramid((16, 32, 64, 128, 192), 96)


def nano(size: int) -> nn.Module:
    """The same at about half of the widths: 0.3 M parameters, 15 M multiply-adds on 96x96."""
    return Pyramid((8, 16, 32, 56, 72), 48)


def wide(size: int) -> nn.Module:
    """A teacher, about twice as wide: 5.9 M parameters, 0.65 G multiply-adds on 160x160."""
    return Pyramid((32, 64, 128, 224, 320), 160)


NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "cnn5": cnn5,
    "pyramid": pyramid,
    "nano": nano,
    "wide": wide,
}


def _view_parameters(net: nn.Module) -> list[nn.Parameter]:
    return list(net.view.parameters()) if isinstance(net, Pyramid) and net.view else []


# What may learn of a network, by name.
TRAINABLE: dict[str, Callable[[nn.Module], list[nn.Parameter]]] = {
    "all": lambda net: list(net.parameters()),
    "view": _view_parameters,
}


def memory_format(net: nn.Module) -> torch.memory_format:
    """How a network's feature maps lie in memory while it trains: channels side by side, a fifth
    faster on a CPU, but for a network that this would crash."""
    crash = any(
        layer.in_channels < AVX512_FLOATS and layer.kernel_size == (1, 1) and layer.stride != (1, 1)
        for layer in net.modules()
        if isinstance(layer, nn.Conv2d)
    )
    return torch.contiguous_format if crash else torch.channels_last
