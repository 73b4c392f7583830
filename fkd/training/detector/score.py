"""What the detector in training finds in composed scenes."""

import numpy as np
import torch
from torch import nn

from fkd.detection.maps import decode, suppressed
from fkd.evaluation.detection import LOWEST_SCORE, Found, score_scenes
from fkd.geometry import Image
from fkd.training.detector.batches import Scenes


@torch.no_grad()
def average_precision(net: nn.Module, scenes: Scenes, device: torch.device) -> float:
    """Percent, over all scenes."""
    net = net.eval()

    def find(grey: Image) -> Found:
        pixels = torch.from_numpy(grey[None, None].astype(np.float32)).to(device)
        maps = [level[0].float().cpu().numpy() for level in net(pixels)]
        candidates = suppressed(decode(maps, LOWEST_SCORE))
        return Found(candidates.scores, candidates.faces)

    scored = score_scenes(find, [scenes[i] for i in range(len(scenes))])
    return 100 * scored.curve.average_precision
