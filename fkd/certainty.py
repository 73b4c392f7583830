"""What a network answers beside points, and how the spread of its maps becomes probabilities.

A map is a narrow blob where the network sees its point and wide where it guesses, so one number
for each point, the map's standard deviation, tells how sure it is; where all maps are wide, the
crop is no face.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

NEWTON_STEPS = 100


class Answer(NamedTuple):
    """A network's answer to N crops. points: float32 (N, 68, 2), crop pixels. confidence: float32
    (N, 68) and score: float32 (N,), probabilities of `Certainty`; None for a network without maps.
    """

    points: NDArray[np.float32]
    confidence: NDArray[np.float32] | None = None
    score: NDArray[np.float32] | None = None


# uint8 (N, 1, S, S) grey crops -> Answer.
Network = Callable[[NDArray[np.uint8]], Answer]


@dataclass(frozen=True)
class Logistic:
    """1 / (1 + exp((x - middle) / width)): falls from 1 to 0 for a positive width."""

    middle: float
    width: float

    def __call__(self, x: Floats) -> Floats:
        return np.asarray(0.5 - 0.5 * np.tanh((x - self.middle) / (2 * self.width)))


@dataclass(frozen=True)
class Certainty:
    """point: from a point's spread (crop pixels) to the probability that it lies within some
    percent of the outer eye distance of the true one. face: from the mean spread of a crop's 68
    points to the probability that it shows a face, placed as the detector would. min_score: of
    `face`, at which a detected box is taken for a face.
    """

    point: Logistic
    face: Logistic
    min_score: float


def fit_logistic(inside: Floats, outside: Floats) -> Logistic:
    """The logistic that tells one class of numbers (any shape) from another, equally likely.

    Newton's method on the log-likelihood; the targets are pulled in by one count of each class, so
    that separable classes have a finite answer. Source: Platt (1999).
    Raises ValueError when a class is empty.
    """
    if not (inside.size and outside.size):
        raise ValueError("a logistic needs numbers of both classes")
    x = np.concatenate([inside.ravel(), outside.ravel()]).astype(np.float64)
    n, m = inside.size, outside.size
    target = np.concatenate([np.full(n, (n + 1) / (n + 2)), np.full(m, 1 / (m + 2))])
    weight = np.concatenate([np.full(n, 0.5 / n), np.full(m, 0.5 / m)])
    centre, scale = x.mean(), max(float(x.std()), 1e-9)
    columns = np.stack([(x - centre) / scale, np.ones_like(x)])
    slope_and_offset = np.zeros(2)
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(slope_and_offset @ columns, -30, 30)))
        gradient = columns @ (weight * (target - p))
        curvature = (columns * (weight * p * (1 - p))) @ columns.T + 1e-9 * np.eye(2)
        slope_and_offset = slope_and_offset + np.clip(np.linalg.solve(curvature, gradient), -2, 2)
    slope, offset = (float(value) for value in slope_and_offset)
    if abs(slope) < 1e-9:
        slope = -1e-9  # the classes do not differ: one half everywhere near them
    width = float(-scale / slope)
    return Logistic(float(centre + offset * width), width)


def certainty_from(stored: dict[str, Any]) -> Certainty:
    """What `dataclasses.asdict` made of a `Certainty`. Raises TypeError, KeyError for other."""
    point, face = Logistic(**stored["point"]), Logistic(**stored["face"])
    return Certainty(point, face, float(stored["min_score"]))
