"""What the detector's answers cost."""

import torch
from torch import Tensor
from torch.nn import functional

from fkd.training.detector.assignment import Targets, square_iou
from fkd.training.detector.network import Predictions

# Weights of the overlap and of the five points, from which the roll comes, beside the score's loss.
OVERLAP_WEIGHT = 5.0
POINTS_WEIGHT = 2.0
# Exponent of the quality focal loss (Li et al., 2020).
FOCUS = 2.0


def detector_loss(predicted: Predictions, targets: Targets, faces: Tensor, five: Tensor) -> Tensor:
    """The loss of a batch, for each cell that answers for a face.

    faces: float (B, F, 3). five: float (B, F, 5, 2), pixels.
    """
    mine = targets.face >= 0
    count = mine.sum().clamp(min=1)
    score = _score_loss(predicted.logits, targets).sum() / count
    scene, cell = mine.nonzero(as_tuple=True)
    number = targets.face[scene, cell]
    wanted, given = faces[scene, number], predicted.faces[scene, cell]
    side = wanted[:, 2:]
    overlap = _overlap_loss(given, wanted).sum() / count
    apart = (predicted.five[scene, cell] - five[scene, number]) / side[..., None]
    points = functional.smooth_l1_loss(apart, torch.zeros_like(apart), beta=0.05, reduction="sum")
    return score + OVERLAP_WEIGHT * overlap + POINTS_WEIGHT * points / count


def _score_loss(logits: Tensor, targets: Targets) -> Tensor:
    """Quality focal loss (B, P). The best cell of a face is asked for 1, the others for their
    overlap over its: small faces are as sure as large ones."""
    quality = torch.where(targets.face >= 0, targets.overlap, 0)
    number = targets.face.clamp(min=0)
    best = torch.zeros(quality.shape[0], int(number.max()) + 1, device=quality.device)
    best = best.scatter_reduce(1, number, quality, "amax")
    wanted = (quality / best.gather(1, number).clamp(min=1e-6)).clamp(0, 1)
    wanted = torch.where(targets.face >= 0, wanted, 0)
    distance = (wanted - logits.sigmoid()).abs() ** FOCUS
    loss = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return loss * distance * targets.asked


def _overlap_loss(given: Tensor, wanted: Tensor) -> Tensor:
    """Of squares (N, 3): what is missing of the overlap, the distance of the centres over the
    diagonal of what encloses both, and the difference of the sides (EIoU; Zhang et al., 2021)."""
    apart = (given[:, :2] - wanted[:, :2]).abs()
    enclosing = (apart + (given[:, 2:] + wanted[:, 2:]) / 2).maximum(
        torch.maximum(given[:, 2:], wanted[:, 2:])
    )
    distance = (apart**2).sum(dim=1) / (enclosing**2).sum(dim=1)
    sides = 2 * (given[:, 2] - wanted[:, 2]) ** 2 / (enclosing**2).sum(dim=1)
    return 1 - square_iou(given, wanted) + distance + sides
