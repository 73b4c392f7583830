"""What a model answers to crops, whatever runs it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class ModelOutput(NamedTuple):
    """A model's answer to N crops. points: float32 (N, 68, 2), crop pixels. confidence: float32
    (N, 68) and score: float32 (N,), the probabilities of `ConfidenceCalibration`; None for a model
    without heatmaps.
    """

    points: NDArray[np.float32]
    confidence: NDArray[np.float32] | None = None
    score: NDArray[np.float32] | None = None


# uint8 (N, 1, S, S) grey crops -> ModelOutput.
Model = Callable[[NDArray[np.uint8]], ModelOutput]


def concatenate(outputs: Sequence[ModelOutput]) -> ModelOutput:
    """The outputs of one model for several batches (at least one) as one."""
    points, confidence, score = zip(*outputs, strict=True)
    return ModelOutput(
        np.concatenate(points),
        None if confidence[0] is None else np.concatenate(confidence),
        None if score[0] is None else np.concatenate(score),
    )
