"""Losses on points, and the divergence that keeps a heatmap a small blob around its point.

All take points in crop sides (pixels over the crop's size), so that their constants do not depend
on the resolution: (N, 68, 2), and return one number.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional
from torch.special import entr

from fkd.training.networks import DEPTH_UNIT, POSE_UNIT, View, cell_centres

TINY = 1e-8  # the logarithm of an empty cell of a heatmap


def mse(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error of keypoints in about [-1, 1], the unit of the `cnn5` recipe."""
    return (2 * (predicted - truth)).square().mean()


def l1(predicted: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute error."""
    return 10 * (predicted - truth).abs().mean()


def wing(predicted: Tensor, truth: Tensor) -> Tensor:
    """Wing loss (Feng et al., 2018): logarithmic below `width`, so small errors keep a pull.

    The paper's w = 10 and epsilon = 2 pixels of a 256 px crop are 0.04 and 0.008; the wider ones
    here did better on 128 px crops in the trial that this project grew from.
    """
    width, epsilon = 0.1, 0.02
    error = (predicted - truth).abs()
    offset = width - width * math.log(1 + width / epsilon)
    return (
        10
        * torch.where(error < width, width * torch.log(1 + error / epsilon), error - offset).mean()
    )


def adaptive_wing(predicted: Tensor, truth: Tensor) -> Tensor:
    """Adaptive Wing (Wang et al., 2019) on coordinates: smooth at zero, linear far out.

    alpha and omega as in the paper; theta and epsilon in crop sides.
    """
    alpha, omega, epsilon, theta = 2.1, 0.1, 0.02, 0.1
    error = (predicted - truth).abs()
    ratio = theta / epsilon
    slope = omega * alpha * ratio ** (alpha - 1) / (1 + ratio**alpha) / epsilon
    offset = theta * slope - omega * math.log(1 + ratio**alpha)
    near = omega * torch.log1p((error / epsilon) ** alpha)
    return 10 * torch.where(error < theta, near, slope * error - offset).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": mse,
    "l1": l1,
    "wing": wing,
    "adaptive_wing": adaptive_wing,
}


def heatmap_divergence(heatmaps: Tensor, points: Tensor, size: int) -> Tensor:
    """Jensen-Shannon divergence of each heatmap and a Gaussian of one cell around its true point.

    heatmaps: (N, 68, H, W), each sums to 1. points: (N, 68, 2) crop pixels of a crop of `size`.
    Source of the regulariser: DSNT (Nibali et al., 2018).
    """
    target = gaussians(points, heatmaps.shape[2], heatmaps.shape[3], size)
    # As entropies: H(middle) - (H(heatmap) + H(target)) / 2. A third of the passes over heatmaps
    # that two Kullback-Leibler sums take, and they are most of a training step's memory traffic.
    middle = 0.5 * (heatmaps + target)
    both = entr(heatmaps + TINY) + entr(target + TINY)
    return (entr(middle + TINY) - 0.5 * both).sum(dim=(2, 3)).mean()


def view_loss(predicted: View, visible: Tensor, depth: Tensor, pose: Tensor) -> Tensor:
    """Cross-entropy of what is visible, and mean absolute error of depth and pose in the units of
    the head, over the faces of which they are known; 0 where there are none.

    visible, depth: (N, 68), pose: (N, 3), as of a `Batch`.
    """
    known = ~pose.isnan().any(dim=1)
    if not known.any():
        return predicted.pose.sum() * 0
    seen = functional.binary_cross_entropy_with_logits(predicted.visible[known], visible[known])
    apart = (predicted.depth - depth)[known].abs().mean() / DEPTH_UNIT
    turned = (predicted.pose - pose)[known].abs().mean() / POSE_UNIT
    return seen + apart + turned


def gaussians(points: Tensor, height: int, width: int, size: int) -> Tensor:
    """Heatmaps (N, 68, height, width) that sum to 1, a Gaussian of one cell around each point."""
    sigma = size / width
    across = cell_centres(width, size, points.device) - points[..., 0, None]
    down = cell_centres(height, size, points.device) - points[..., 1, None]
    x, y = (torch.exp(-(d**2) / (2 * sigma**2)) for d in (across, down))
    # Separable, so the sum over a heatmap is the product of two sums; a point far outside has none.
    x, y = (d / (d.sum(-1, keepdim=True) + 1e-6) for d in (x, y))
    return y[..., :, None] * x[..., None, :]
