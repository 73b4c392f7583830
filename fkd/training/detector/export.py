"""A detector's checkpoint as one ONNX file, and how far the two differ."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from fkd.geometry import Image
from fkd.io.config import Section
from fkd.models.detector import OUTPUTS, DetectorInfo, DetectorNetwork
from fkd.training.detector.network import Detector
from fkd.training.export import write_onnx


class ExportDetectorParams(Section):
    """How far torch and the exported detector may differ."""

    tolerance: Annotated[
        float, Field(gt=0, description="Largest difference of two maps that passes.")
    ]


@dataclass(frozen=True)
class DetectorParity:
    """pictures: how many were compared. max_abs_diff: of any value of their maps."""

    pictures: int
    max_abs_diff: float


def export_detector(network: Detector, info: DetectorInfo, path: Path) -> None:
    """Write a detector that takes `image`, float32 (1, 1, H, W) grey 0..255, H and W any multiples
    of 32, and answers the maps `OUTPUTS`. One file, whole or not at all."""
    height, width = (torch.export.Dim(name, min=2, max=512) for name in ("rows", "columns"))
    write_onnx(
        network.eval(),
        torch.zeros(1, 1, 64, 96),
        OUTPUTS,
        {2: 32 * height, 3: 32 * width},
        info.to_metadata(),
        path,
    )


def torch_detector(network: Detector) -> DetectorNetwork:
    """The network as what `open_detector` gives."""

    @torch.inference_mode()
    def run(grey: Image) -> list[np.ndarray]:
        pixels = torch.from_numpy(grey[None, None].astype(np.float32))
        return [maps[0].numpy() for maps in network(pixels)]

    return run


def detector_parity(
    first: DetectorNetwork, second: DetectorNetwork, pictures: list[Image]
) -> DetectorParity:
    """Compare two detectors on grey pictures, whose sides are multiples of 32."""
    differences = [
        float(np.abs(one - other).max())
        for grey in pictures
        for one, other in zip(first(grey), second(grey), strict=True)
    ]
    return DetectorParity(len(pictures), float(np.max(differences)))  # NaN where there is one
