"""What a model answers to crops, whatever runs it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fkd.landmarks import COUNT
from fkd.models.metadata import ModelError

# Points may lie beyond the crop, but not farther than so many of its sides.
LARGEST_REACH = 10
# Degrees of a pose; a network may go a little beyond what there is.
LARGEST_ANGLE = 360


class ModelOutput(NamedTuple):
    """A model's answer to N crops. points: float32 (N, 68, 2), crop pixels. confidence: float32
    (N, 68) and score: float32 (N,), the probabilities of `ConfidenceCalibration`; None for a model
    without heatmaps. visible: float32 (N, 68), the probability that nothing hides a point; depth:
    float32 (N, 68), how much further from the camera each is than their mean, crop pixels; pose:
    float32 (N, 3), yaw, pitch and roll, degrees, as of `fkd.geometry.pose.Pose`, in the crop; None
    for a model that has not learned them.
    """

    points: NDArray[np.float32]
    confidence: NDArray[np.float32] | None = None
    score: NDArray[np.float32] | None = None
    visible: NDArray[np.float32] | None = None
    depth: NDArray[np.float32] | None = None
    pose: NDArray[np.float32] | None = None


# uint8 (N, 1, S, S) grey crops -> ModelOutput.
Model = Callable[[NDArray[np.uint8]], ModelOutput]


def checked(model: Model, name: str) -> Model:
    """The model, each of whose answers is checked: it raises ModelError, which calls the model by
    its name, for arrays of another shape and for numbers that are not finite or make no sense."""

    def checked_model(pixels: NDArray[np.uint8]) -> ModelOutput:
        output = model(pixels)
        if fault := _fault(output, *pixels.shape[::3]):
            raise ModelError(f"{name}: {fault}")
        return output

    return checked_model


def _fault(output: ModelOutput, count: int, size: int) -> str | None:
    """What is wrong with the answer to so many crops of this size, None when it is sound."""
    reach = LARGEST_REACH * size
    expected = {
        "points": ((count, COUNT, 2), -reach, reach),
        "confidence": ((count, COUNT), 0, 1),
        "score": ((count,), 0, 1),
        "visible": ((count, COUNT), 0, 1),
        "depth": ((count, COUNT), -reach, reach),
        "pose": ((count, 3), -LARGEST_ANGLE, LARGEST_ANGLE),
    }
    for name, values in output._asdict().items():
        shape, low, high = expected[name]
        if values is None:
            continue
        if values.shape != shape:
            return f"its {name} have the shape {values.shape} instead of {shape}"
        if not ((values >= low) & (values <= high)).all():  # a NaN is neither
            return f"its {name} are not all numbers from {low} to {high}"
    return None


def concatenate(outputs: Sequence[ModelOutput]) -> ModelOutput:
    """The outputs of one model for several batches (at least one) as one."""
    points, *others = zip(*outputs, strict=True)
    told = (None if values[0] is None else np.concatenate(values) for values in others)
    return ModelOutput(np.concatenate(points), *told)
