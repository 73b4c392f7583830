"""Scoring a detector: precision and recall over pictures whose faces are labelled."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A detection counts when its centre lies this near a label's, in sides of the label's box, and
# its side is this much of the label's: labels of other conventions take hair and chin in.
LARGEST_DISTANCE = 0.4
SMALLEST_RATIO, LARGEST_RATIO = 0.45, 2.2


@dataclass(frozen=True)
class Curve:
    """How a detector does as its threshold falls. scores: float (N,), falling. recall: fraction of
    the faces. false: false detections for a picture. precision: fraction of the detections."""

    scores: NDArray[np.float64]
    recall: NDArray[np.float64]
    false: NDArray[np.float64]
    precision: NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """The area under the precision made monotone, over the recall, 0..1."""
        best = np.maximum.accumulate(self.precision[::-1])[::-1]
        steps = np.diff(self.recall, prepend=0.0)
        return float((best * steps).sum())

    def recall_at(self, false: float) -> float:
        """The recall at so many false detections for a picture, 0..1."""
        allowed = self.recall[self.false <= false]
        return float(allowed.max()) if len(allowed) else 0.0


def curve(found: Sequence[tuple[NDArray, NDArray]], labels: Sequence[NDArray]) -> Curve:
    """The curve over some pictures.

    found: for each picture the scores (N,), falling, and the squares (N, 3), centre x, y and side.
    labels: for each picture its faces' squares (F, 3). A second detection of a face is false.
    """
    scores, right = [], []
    for (of_picture, squares), faces in zip(found, labels, strict=True):
        free = np.ones(len(faces), np.bool_)
        for score, square in zip(of_picture, squares, strict=True):
            scores.append(float(score))
            right.append(_takes(square, faces, free))
    order = np.argsort(-np.array(scores), kind="stable")
    hits = np.array(right, np.bool_)[order]
    count, true = max(1, sum(map(len, labels))), np.cumsum(hits)
    wrong = np.cumsum(~hits)
    return Curve(
        np.array(scores)[order],
        true / count,
        wrong / max(1, len(labels)),
        true / np.maximum(true + wrong, 1),
    )


def _takes(square: NDArray, faces: NDArray, free: NDArray[np.bool_]) -> bool:
    """Whether a detection frames a face that none has framed yet; that one is not free then."""
    if not len(faces):
        return False
    distance = np.hypot(*(square[:2] - faces[:, :2]).T) / faces[:, 2]
    ratio = square[2] / faces[:, 2]
    fits = free & (distance < LARGEST_DISTANCE) & (ratio > SMALLEST_RATIO) & (ratio < LARGEST_RATIO)
    if not fits.any():
        return False
    free[int(np.where(fits, distance, np.inf).argmin())] = False
    return True
