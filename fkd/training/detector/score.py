"""What the detector in training finds in composed scenes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fkd.detection.maps import decode, suppressed
from fkd.evaluation.detection import curve
from fkd.training.detector.batches import Scenes, batches

LEAST_SCORE = 0.02
BATCH_SIZE = 32


@torch.no_grad()
def average_precision(net: nn.Module, scenes: Scenes, device: torch.device) -> float:
    """Percent, over all scenes; faces that nobody can be sure of count neither way."""
    net = net.eval()
    found, labels = [], []
    for batch in batches(scenes, BATCH_SIZE, num_workers=0):
        maps = [level.float().cpu().numpy() for level in net(batch.pixels.to(device).float())]
        for i in range(len(batch.pixels)):
            told = suppressed(decode([level[i] for level in maps], LEAST_SCORE))
            faces, certain = batch.faces[i].numpy(), batch.certain[i].numpy()
            unsure = faces[(faces[:, 2] > 0) & ~certain]
            kept = [not _near(square, unsure) for square in told.faces]
            found.append((told.scores[kept], told.faces[kept]))
            labels.append(faces[certain])
    return 100 * curve(found, labels).average_precision


def _near(square: NDArray[np.float32], others: NDArray[np.float32]) -> bool:
    distance = np.abs(square[:2] - others[:, :2]).max(axis=1)
    return bool((distance < (square[2] + others[:, 2]) / 2).any())
