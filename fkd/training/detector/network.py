"""The detector network: fully convolutional, small, for grey pictures of any size."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fkd.models.detector import CHANNELS, STRIDES

# Channels of the stages at strides 2, 4, 8, 16 and 32, and of the pyramid and the heads. The fine
# stages cost most of the time: these take 0.6 of that of twice as many channels there.
STAGES = (8, 24, 64, 96, 128)
PYRAMID = 48
# A score that a cell starts with: almost none has a face.
PRIOR = 0.01
# And the side, in strides, in the middle of those that the strides answer for.
SIDE_PRIOR = 3.0


class Predictions(NamedTuple):
    """Of P cells of all strides: logits float (B, P), faces float (B, P, 3) as centre x, y and
    side, five points float (B, P, 5, 2), all in pixels of the picture, centres at integers."""

    logits: Tensor
    faces: Tensor
    five: Tensor


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, batch norm and ReLU after both; what goes in is
    added before the last ReLU where its shape allows that."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.adds_input = inputs == outputs and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        out = self.layers(x)
        return functional.relu(out + x if self.adds_input else out)


class Detector(nn.Module):
    """Pixels 0..255 (B, 1, H, W), H and W multiples of 32 -> one map (B, CHANNELS, H/s, W/s) for
    each stride s. Features meet top-down in a small pyramid (Lin et al., 2017)."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third, fourth, fifth = STAGES
        self.stem = nn.Sequential(
            nn.Conv2d(1, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)
        )
        self.stage4 = Separable(first, second, 2)
        self.stage8 = nn.Sequential(Separable(second, third, 2), Separable(third, third))
        self.stage16 = nn.Sequential(
            Separable(third, fourth, 2), Separable(fourth, fourth), Separable(fourth, fourth)
        )
        self.stage32 = nn.Sequential(Separable(fourth, fifth, 2), Separable(fifth, fifth))
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, PYRAMID, 1, bias=False), nn.BatchNorm2d(PYRAMID))
            for width in STAGES[2:]
        )
        self.tower = nn.ModuleList(Separable(PYRAMID, PYRAMID) for _ in STRIDES)
        self.head = nn.ModuleList(_head() for _ in STRIDES)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """The maps of the strides 8, 16 and 32."""
        eight = self.stage8(self.stage4(self.stem(pixels / 128 - 1)))
        sixteen = self.stage16(eight)
        features = [eight, sixteen, self.stage32(sixteen)]
        pyramid = [lateral(x) for lateral, x in zip(self.lateral, features, strict=True)]
        for finer in (1, 0):
            enlarged = functional.interpolate(pyramid[finer + 1], scale_factor=2.0)
            pyramid[finer] = functional.relu(pyramid[finer] + enlarged)
        return [
            head(tower(x)) for head, tower, x in zip(self.head, self.tower, pyramid, strict=True)
        ]


def _head() -> nn.Conv2d:
    head = nn.Conv2d(PYRAMID, CHANNELS, 1)
    nn.init.normal_(head.weight, std=0.01)
    with torch.no_grad():
        assert head.bias is not None
        head.bias.zero_()
        head.bias[0] = -math.log((1 - PRIOR) / PRIOR)
        head.bias[3] = math.log(SIDE_PRIOR)
    return head


def decode(maps: list[Tensor]) -> Predictions:
    """The maps as faces in pixels, as `fkd.detection.maps.decode` does it without torch."""
    parts = [_decode(x, stride) for x, stride in zip(maps, STRIDES, strict=True)]
    return Predictions(*(torch.cat(columns, dim=1) for columns in zip(*parts, strict=True)))


def cells(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """Centres of a map's cells, pixels: float (H*W, 2) as x, y, row by row."""
    rows = torch.arange(height, device=device) * stride + (stride - 1) / 2
    columns = torch.arange(width, device=device) * stride + (stride - 1) / 2
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1).reshape(-1, 2).float()


def _decode(maps: Tensor, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    batch, _, height, width = maps.shape
    flat = maps.permute(0, 2, 3, 1).reshape(batch, height * width, CHANNELS).float()
    centres = cells(height, width, stride, maps.device)
    middle = centres + flat[..., 1:3] * stride
    side = flat[..., 3:4].clamp(max=8).exp() * stride
    five = centres[:, None] + flat[..., 4:].reshape(batch, -1, 5, 2) * stride
    return flat[..., 0], torch.cat([middle, side], dim=-1), five
