"""What the standard deviation of a heatmap means, as probabilities.

A heatmap is a narrow blob where the network sees its point and wide where it guesses, so one number
for each point, the heatmap's standard deviation, tells how likely the point is right; where all
heatmaps are wide, the crop shows no face.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Logistic:
    """1 / (1 + exp((x - middle) / width)): falls from 1 to 0 for a positive width."""

    middle: float
    width: float

    def __call__(self, x: Floats) -> Floats:
        """The function's values, in the shape of x."""
        return np.asarray(0.5 - 0.5 * np.tanh((x - self.middle) / (2 * self.width)))


@dataclass(frozen=True)
class ConfidenceCalibration:
    """point: from a heatmap's standard deviation (crop pixels) to the probability that its point
    lies within some percent of the outer eye distance of the true one. face: from the mean of a
    crop's 68 standard deviations to the probability that it shows a face, framed as by the
    reference box. min_score: of `face`, from which on a detection is taken for a face.
    """

    point: Logistic
    face: Logistic
    min_score: float


def calibration_from(stored: dict[str, Any]) -> ConfidenceCalibration:
    """What `dataclasses.asdict` made of a calibration. Raises TypeError or KeyError for other."""
    point, face = Logistic(**stored["point"]), Logistic(**stored["face"])
    return ConfidenceCalibration(point, face, float(stored["min_score"]))
