"""A checkpoint as one ONNX file, and how far the two differ."""

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from fkd.certainty import Answer, Certainty, Network
from fkd.model_info import ModelInfo
from fkd.training.answers import Answering
from fkd.training.checkpoint import Checkpoint

OPSET = 20
PARITY_BATCHES = (1, 2, 16)


OUTPUTS = ("points", "confidence", "score")


def export_onnx(
    checkpoint: Checkpoint, certainty: Certainty | None, info: ModelInfo, path: Path
) -> None:
    """Write a model that takes `image`, float32 (N, 1, S, S) grey 0..255, any N, and answers
    `points`, float32 (N, 68, 2) in crop pixels; with a certainty also `confidence` (N, 68) and
    `score` (N,), 0..1. One file, whole or not at all.
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
                Answering(checkpoint.network(), certainty).eval(),
                (example,),
                input_names=["image"],
                output_names=OUTPUTS if certainty else OUTPUTS[:1],
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


def parity(first: Network, second: Network, pixels: NDArray[np.uint8]) -> dict[str, float]:
    """The largest difference of two networks over crops (N, 1, S, S), by batch size: of points in
    crop pixels, or of their probabilities.

    Every crop is fed at every batch size of PARITY_BATCHES. Raises ValueError without crops, or
    when one network answers less than the other.
    """
    if not len(pixels):
        raise ValueError("parity needs at least one crop")
    return {
        f"batch_{batch}_px": max(
            _largest_difference(first(part), second(part))
            for part in (pixels[i : i + batch] for i in range(0, len(pixels), batch))
        )
        for batch in PARITY_BATCHES
    }


def _largest_difference(first: Answer, second: Answer) -> float:
    ones = [part for part in first if part is not None]
    others = [part for part in second if part is not None]
    if len(ones) != len(others):
        raise ValueError("one network answers confidence and score, the other does not")
    return max(float(np.abs(a - b).max()) for a, b in zip(ones, others, strict=True))
