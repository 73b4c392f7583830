"""Metrics of landmark predictions. Arrays in, arrays out; every error is over a named distance."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Points
from fkd.landmarks import OUTER_EYE_CORNERS

Floats = NDArray[np.float64]
# In sides of the square that bounds the points. Every face of 300-W and YouTube Faces has more, one
# from the front twice as much.
LEAST_EYE_DISTANCE = 0.22


def point_errors(predicted: Points, truth: Points) -> Floats:
    """Distance of each point over the true distance of the outer eye corners (36 and 45).

    predicted, truth: float (N, 68, 2) in one frame, any unit. Returns float64 (N, 68), a ratio.
    Source of the normaliser: the 300-W challenge (Sagonas et al., 2013), "inter-ocular". In profile
    both corners lie nearly at one place: the distance is no less than LEAST_EYE_DISTANCE.
    """
    distance = np.linalg.norm(predicted.astype(np.float64) - truth, axis=-1)
    right, left = OUTER_EYE_CORNERS
    eyes = np.linalg.norm(truth[:, right].astype(np.float64) - truth[:, left], axis=-1)
    least = LEAST_EYE_DISTANCE * np.ptp(truth.astype(np.float64), axis=1).max(axis=-1)
    return np.asarray(distance / np.maximum(eyes, least)[:, None])


def nme(predicted: Points, truth: Points) -> Floats:
    """Normalised mean error of each face in percent of the outer eye distance: float64 (N,)."""
    return 100.0 * point_errors(predicted, truth).mean(axis=1)


def failure_rate(face_nme: Floats, threshold: float) -> float:
    """Percent of faces whose NME (percent) is above the threshold (percent)."""
    return float(100.0 * np.mean(face_nme > threshold))


def auc(face_nme: Floats, threshold: float) -> float:
    """Area under the cumulative error curve from 0 to the threshold, over the threshold: 0..1.

    The curve is a mean of steps at each face's NME, so its area has a closed form and no grid.
    An infinite NME (a face that was missed) adds nothing.
    """
    return float(np.mean(np.maximum(0.0, 1.0 - face_nme / threshold)))


def ced(face_nme: Floats, grid: Floats) -> Floats:
    """Cumulative error distribution: the share (0..1) of faces with NME at most each grid value."""
    return np.asarray(np.searchsorted(np.sort(face_nme), grid, side="right") / len(face_nme))


def rank_correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Spearman's rank correlation of two arrays of one shape, -1..1; ties in order of place."""
    ranks = [np.argsort(np.argsort(values, axis=None)) for values in (first, second)]
    return float(np.asarray(np.corrcoef(ranks))[0, 1])
