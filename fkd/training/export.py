"""A checkpoint as one ONNX file, and how far the two differ."""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fkd.evaluate import Regress
from fkd.model_info import ModelInfo
from fkd.training.checkpoint import Checkpoint

OPSET = 20
PARITY_BATCHES = (1, 2, 16)


class _PointsOnly(nn.Module):
    """A network that answers its points alone."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        points: Tensor = self.net(image).points
        return points


def export_onnx(checkpoint: Checkpoint, info: ModelInfo, path: Path) -> None:
    """Write a model that takes `image`, float32 (N, 1, S, S) grey 0..255, any N, and answers
    `points`, float32 (N, 68, 2) in crop pixels. One file, whole or not at all.
    """
    import onnx

    size = checkpoint.crop.size
    # A batch of one would be baked into the graph, so the example has two.
    example = torch.zeros(2, 1, size, size)
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            program = torch.onnx.export(
                _PointsOnly(checkpoint.network()).eval(),
                (example,),
                input_names=["image"],
                output_names=["points"],
                dynamic_shapes={"image": {0: torch.export.Dim("batch")}},
                opset_version=OPSET,
                external_data=False,
                dynamo=True,
                verbose=False,
            )
    finally:
        exporter_log.setLevel(level)
    assert program is not None
    model = program.model_proto
    for node in model.graph.node:  # the exporter leaves stack traces with local paths here
        del node.metadata_props[:]
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
    onnx.helper.set_model_props(model, info.to_metadata())
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(model.SerializeToString())
    partial.replace(path)


def parity(first: Regress, second: Regress, pixels: NDArray[np.uint8]) -> dict[str, float]:
    """The largest difference of two regressors over crops (N, 1, S, S), crop pixels, by batch size.

    Every crop is fed at every batch size of PARITY_BATCHES. Raises ValueError without crops.
    """
    if not len(pixels):
        raise ValueError("parity needs at least one crop")
    return {
        f"batch_{batch}_px": max(
            float(np.abs(first(part) - second(part)).max())
            for part in (pixels[i : i + batch] for i in range(0, len(pixels), batch))
        )
        for batch in PARITY_BATCHES
    }
