"""How far a checkpoint and its exported model differ."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fkd.datasets.store import load_faces
from fkd.evaluation.scoring import face_crops
from fkd.geometry import Points
from fkd.models.metadata import ModelError
from fkd.models.output import Model
from fkd.models.session import open_onnx
from fkd.training.backend import open_checkpoint

BATCHES = (1, 2, 16)
# Whether a point is visible is told from the features of the cell of this many crop pixels that it
# lies in (`networks.ViewHead`): of a point this near to a border, pixels, two models that differ by
# less may take either cell.
CELL, BORDER = 4, 0.001


@dataclass(frozen=True)
class Parity:
    """The largest differences of two models over some crops fed in batches of `BATCHES`: of points
    and depth, crop pixels; of confidence, score and what is visible, probabilities, the latter of
    points that do not lie on a border between cells; of the pose, degrees. 0 for what models do not
    answer.
    """

    crops: int
    max_abs_diff_px: float
    max_abs_diff_probability: float
    max_abs_diff_degrees: float

    def passed(
        self, tolerance_px: float, tolerance_probability: float, tolerance_degrees: float
    ) -> bool:
        """Whether all differences are within their tolerances."""
        return (
            self.max_abs_diff_px <= tolerance_px
            and self.max_abs_diff_probability <= tolerance_probability
            and self.max_abs_diff_degrees <= tolerance_degrees
        )


# What a difference of each answer is told in.
UNITS = {
    "points": "px",
    "depth": "px",
    "confidence": "probability",
    "score": "probability",
    "visible": "probability",
    "pose": "degrees",
}


def parity(first: Model, second: Model, pixels: NDArray[np.uint8]) -> Parity:
    """Compare two models on crops (N, 1, S, S), each of which is fed at every batch size.

    Raises ValueError without crops, or when one model answers less than the other.
    """
    if not len(pixels):
        raise ValueError("parity needs at least one crop")
    largest = dict.fromkeys(UNITS.values(), 0.0)
    for batch in BATCHES:
        for start in range(0, len(pixels), batch):
            part = pixels[start : start + batch]
            ones, others = first(part), second(part)
            for name, unit in UNITS.items():
                difference = _difference(name, getattr(ones, name), getattr(others, name))
                if name == "visible":
                    difference = np.where(on_border(ones.points), 0.0, difference)
                largest[unit] = max(largest[unit], float(difference.max()))
    return Parity(len(pixels), largest["px"], largest["probability"], largest["degrees"])


def _difference(
    name: str, one: NDArray[np.float32] | None, other: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    if one is None and other is None:
        return np.zeros(1, np.float32)
    if one is None or other is None:
        raise ValueError(f"one model answers {name}, the other does not")
    return np.abs(one - other)


def on_border(points_crop: Points) -> NDArray[np.bool_]:
    """Which points (N, 68, 2), crop pixels, lie on a border between cells: bool (N, 68)."""
    cells = (points_crop + 0.5) / CELL
    return np.asarray((np.abs(cells - np.round(cells)) * CELL < BORDER).any(axis=-1))


def compare_files(checkpoint: Path, model: Path, faces: Path, count: int) -> Parity:
    """Parity of a checkpoint and an ONNX file on the first prepared faces of a folder.

    Raises ModelError when a file cannot be used or there are no prepared faces, OSError when their
    folder cannot be read.
    """
    by_torch, trained = open_checkpoint(checkpoint)
    exported, info = open_onnx(model)
    if info.crop != trained.crop:
        raise ModelError(f"{model}: its crops are not those of {checkpoint}")
    members = load_faces(faces)[:count]
    if not members:
        raise ModelError(f"{faces}: holds no prepared faces to compare on")
    return parity(by_torch, exported, face_crops(members, info.crop))
