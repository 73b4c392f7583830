"""Which cells answer for which face: those around its centre, of the strides that suit its size (as
FCOS has it; Tian et al., 2019), for a whole batch at once.

SimOTA (Ge et al., YOLOX, 2021), which picks a face's cells by the cost of their answers, was tried:
it learned three times more slowly, as its cells are few and change while the network is young.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from fkd.training.detector.network import Predictions

# A cell answers for a face whose centre is this near, in strides.
RADIUS = 1.3
# And whose side is in this range, in strides: two strides answer where their ranges meet.
LEAST_SIDE = {8: 0.0, 16: 1.5, 32: 2.0}
LARGEST_SIDE = {8: 5.0, 16: 6.0, 32: float("inf")}


class Targets(NamedTuple):
    """face: int (B, P), the number of the face that a cell answers for, -1 for none. overlap:
    float (B, P), intersection over union of the cell's answer with it. asked: bool (B, P), False
    where nobody can say whether there is a face."""

    face: Tensor
    overlap: Tensor
    asked: Tensor


def square_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of squares (..., 3), centre x, y and side; shapes broadcast."""
    half = (first[..., 2] + second[..., 2]) / 2
    least = torch.minimum(first[..., 2], second[..., 2])
    width = torch.minimum((half - (first[..., 0] - second[..., 0]).abs()).clamp(min=0), least)
    height = torch.minimum((half - (first[..., 1] - second[..., 1]).abs()).clamp(min=0), least)
    shared = width * height
    return shared / (first[..., 2] ** 2 + second[..., 2] ** 2 - shared).clamp(min=1e-6)


@torch.no_grad()
def assign(
    predicted: Predictions, centres: Tensor, strides: Tensor, faces: Tensor, certain: Tensor
) -> Targets:
    """The targets of a batch.

    centres: float (P, 2), strides: float (P,), of the cells, pixels. faces: float (B, F, 3),
    padded with faces of side 0. certain: bool (B, F), False for faces that are not asked for.
    """
    real, side = faces[..., 2] > 0, faces[:, :, None, 2]
    distance = (centres - faces[:, :, None, :2]).abs().amax(dim=-1)
    near = distance < RADIUS * strides
    least, largest = (_per_cell(sides, strides) for sides in (LEAST_SIDE, LARGEST_SIDE))
    mine = (real & certain)[:, :, None] & near & (side >= least) & (side < largest)
    # A cell near several faces answers for the nearest.
    face = distance.masked_fill(~mine, float("inf")).argmin(dim=1)
    face = torch.where(mine.any(dim=1), face, -1)
    wanted = faces.gather(1, face.clamp(min=0)[..., None].expand(-1, -1, 3))
    unsure = (real & ~certain)[:, :, None] & (near | (distance < side / 2))
    asked = ~unsure.any(dim=1) | (face >= 0)
    return Targets(face, square_iou(predicted.faces, wanted), asked)


def _per_cell(sides: dict[int, float], strides: Tensor) -> Tensor:
    """The sides of each cell's stride, pixels (P,)."""
    limits = torch.zeros_like(strides)
    for stride, side in sides.items():
        limits[strides == stride] = side * stride
    return limits
