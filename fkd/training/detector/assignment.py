"""Which cells answer for which face: SimOTA (Ge et al., YOLOX, 2021), for a whole batch at once."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from fkd.training.detector.network import Predictions

# A cell may answer for a face whose centre is this near, in strides.
RADIUS = 2.5
# Weight of the overlap in the cost, and how many cells answer: the sum of the best so many
# overlaps. As YOLOX and YuNet have it.
OVERLAP_WEIGHT = 3.0
CANDIDATES = 10
FAR = 1e5


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
    real = faces[..., 2] > 0
    distance = (centres[None, None] - faces[:, :, None, :2]).abs().amax(dim=-1)
    inside = distance < faces[:, :, None, 2] / 2
    near = distance < RADIUS * strides
    allowed = (real & certain)[:, :, None] & (inside | near)
    overlap = square_iou(predicted.faces[:, None], faces[:, :, None])
    wrong = functional.softplus(-predicted.logits)[:, None]
    cost = wrong - OVERLAP_WEIGHT * overlap.clamp(min=1e-6).log()
    cost = cost + FAR * ~(inside & near) + 100 * FAR * ~allowed
    candidates = min(CANDIDATES, overlap.shape[-1])
    best = (overlap * allowed).topk(candidates, dim=-1).values.sum(dim=-1)
    count = best.int().clamp(min=1)
    cheapest, order = cost.topk(candidates, dim=-1, largest=False)
    taken = torch.arange(candidates, device=cost.device) < count[..., None]
    taken &= cheapest < 100 * FAR
    chosen = torch.zeros_like(allowed).scatter_(-1, order, taken)
    # A cell that several faces chose answers for the cheapest of them.
    face = cost.masked_fill(~chosen, float("inf")).argmin(dim=1)
    face = torch.where(chosen.any(dim=1), face, -1)
    matched = overlap.gather(1, face.clamp(min=0)[:, None])[:, 0]
    unsure = ((real & ~certain)[:, :, None] & (inside | near)).any(dim=1)
    return Targets(face, matched, ~unsure | (face >= 0))
