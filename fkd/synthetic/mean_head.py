"""The mean head as fitted to the mean of hand-made labels: committed numbers.

`python -m tools.fit_mean_head data/real/300w` makes them from the annotations of 300-W's training
folders: 68 points of 1,901 faces, averaged to 136 numbers; no photo.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("mean_head.json")


@dataclass(frozen=True)
class MeanHead:
    """shape: float64 (68, 2), the annotations' mean in the eye frame: x right, y down, unit the
    distance of the eyes' centres. weights: of morph targets ("a+b" moves both) and of
    "stretch/x+", "stretch/y-", which bring the average adult's points nearest to the shape.
    """

    shape: NDArray[np.float64]
    weights: dict[str, float]


@cache
def load_mean_head() -> MeanHead:
    """The committed fit."""
    stored = json.loads(FILE.read_text())
    return MeanHead(np.array(stored["mean_shape"]), stored["weights"])
