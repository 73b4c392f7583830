"""The One-Euro filter: little jitter where a face rests, little lag where it moves."""

import math

import numpy as np
from numpy.typing import NDArray

from fkd.geometry import Points

# Cutoff of the filter on the speed itself, hertz; the paper's value of `dcutoff`.
DERIVATE_CUTOFF = 1.0
# Weight of a place's own speed beside the whole face's: single places jitter most.
OWN_WEIGHT = 1 / 6


class OneEuro:
    """Smooths places (K, 2) of one face over time. Source: Casiez, Roussel, Vogel (2012); here the
    speed is that of the face as a whole, an affine motion of all its places, and a part of each
    place's own.

    min_cutoff: cutoff of the low-pass at rest, hertz; lower means less jitter. beta: hertz added
    for each `scale` (a face's size) that a place moves in a second; higher means less lag.
    """

    def __init__(self, min_cutoff: float, beta: float) -> None:
        self.min_cutoff, self.beta = min_cutoff, beta
        self.places: NDArray[np.float64] | None = None
        self.speed: NDArray[np.float64] = np.zeros((1, 2))

    def __call__(self, places: Points, seconds: float, scale: float) -> Points:
        """The smoothed places, float32 (K, 2), `seconds` (> 0) after the call before."""
        if self.places is None:
            self.places = places.astype(np.float64)
            return places
        speed = (places - self.places) / (seconds * scale)
        self.speed = self.speed + _alpha(DERIVATE_CUTOFF, seconds) * (speed - self.speed)
        whole = _affine(self.places, self.speed)
        own = np.linalg.norm(self.speed - whole, axis=1, keepdims=True)
        moved = np.linalg.norm(whole, axis=1, keepdims=True) + OWN_WEIGHT * own
        cutoff = self.min_cutoff + self.beta * moved
        self.places = self.places + _alpha(cutoff, seconds) * (places - self.places)
        return self.places.astype(np.float32)


def _affine(places: NDArray[np.float64], speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine motion nearest to the speeds (K, 2) of places (K, 2), at each place."""
    away = places - places.mean(axis=0)
    columns = np.column_stack([away / (np.abs(away).max() + 1e-9), np.ones(len(places))])
    return np.asarray(columns @ np.linalg.lstsq(columns, speed, rcond=None)[0])


def _alpha(cutoff: NDArray[np.float64] | float, seconds: float) -> NDArray[np.float64]:
    """Weight of the new value in a low-pass: 1 / (1 + tau / dt), tau = 1 / (2 pi cutoff)."""
    return np.asarray(1 / (1 + 1 / (2 * math.pi * np.asarray(cutoff) * seconds)))
